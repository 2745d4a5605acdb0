/** The comparison: all layers on one polar map, their list, the values at a place, and what can be read there. */

import type BaseLayer from "ol/layer/Base";
import { element } from "../lib/dom";
import { CHOICES, projection, type Position } from "../lib/projections";
import { Chart } from "../map/chart";
import { DRAWN, land, type Footprints, type Origin } from "../map/drawing";
import { footprintLayers } from "../map/layers";
import { degrees, tools } from "../map/start";
import { labelled, List } from "./list";
import type { Near, Readings } from "./readings";
import { Readout } from "./readout";
import { colourOf, Shown } from "./shown";
import type { Layer, State } from "./state";
import type { Texts } from "./texts";

type Degrees = readonly [longitude: number, latitude: number];

const NOTHING: Footprints = { areas: [], edges: [], dots: [] };
/** Radius of what is seen at least and at most, metres; where a drawing has its unit, see `builder/pages/polarmap.py`. */
const [LEAST, LARGEST] = [250_000, 4_600_000];
const UNITS = 10_000;

export interface Page {
  /** Keeps the state in the address. */
  changed(): void;
  /** Says something of the messages in the page's one line. */
  tell(key: string, values?: Record<string, string | number>): void;
  /** Takes the focus when there is no layer left that could have it. */
  rest(): void;
}

export class Board {
  private all: Shown[] = [];
  private chart: Chart | undefined;
  private readings: Readings | undefined;
  /** Where layers are read, by their place in the list. */
  private near: readonly Near[] = [];
  private readonly ground = element("div", "", { class: "ground", tabindex: "0", role: "application" });
  private readonly said = element("p", "", { role: "status", class: "said", id: "map-said" });
  private readonly list: List;
  private readonly readout: Readout;
  private readonly spot = element("form", "", { class: "spot" });
  private readonly reading = element("section", "", { "aria-labelledby": "reading" });

  private constructor(
    private readonly box: HTMLElement,
    private readonly words: Texts,
    private readonly state: State,
    private readonly root: URL,
    private readonly shore: Position[][],
    private readonly page: Page,
  ) {
    this.readout = new Readout(words);
    this.list = new List(words, {
      move: (shown, by) => this.move(shown, by),
      remove: (shown) => this.remove(shown),
      choose: (shown, raster) => {
        void shown.choose(raster);
        this.page.changed();
      },
      tint: (shown) => this.tint(shown),
      again: (shown) => this.open(shown),
    });
    this.ground.setAttribute("aria-label", words.own("map"));
    this.ground.setAttribute("aria-describedby", this.said.id);
    this.said.textContent = words.own("keys");
  }

  static async on(box: HTMLElement, words: Texts, state: State, root: URL, page: Page): Promise<Board> {
    const board = new Board(box, words, state, root, await land(new URL("static/land.svg", root).href), page);
    box.className = "board";
    board.lay();
    return board;
  }

  private lay(): void {
    const live = element("div", "", { class: "live map" });
    live.append(this.ground, this.said, this.spot);
    const side = element("section", "", { "aria-labelledby": "layers" });
    side.append(element("h2", this.words.own("layers"), { id: "layers" }), this.list.box, this.readout.box);
    this.reading.append(element("h2", this.words.panel("title"), { id: "reading" }), element("p", this.words.own("reading"), { class: "prose" }));
    this.box.append(live, side, this.reading);
    for (const [at, key] of (["lon", "lat"] as const).entries()) {
      const input = element("input", "", { type: "number", step: "any", name: key, inputmode: "decimal" });
      input.value = this.state.at ? String(this.state.at[at]) : "";
      this.spot.append(labelled(this.words.panel(`field.${key}`), input));
    }
    this.spot.append(element("button", this.words.own("choose"), { type: "submit" }));
    this.spot.addEventListener("submit", (event) => {
      event.preventDefault();
      const [lon, lat] = (["lon", "lat"] as const).map((key) => this.field(key).valueAsNumber) as [number, number];
      if (Math.abs(lon) <= 180 && Math.abs(lat) <= 90) void this.pick([lon, lat]);
      else this.page.tell("globe");
    });
    this.offerReading();
  }

  /** Shows the layers of the state; those that are new are opened, none of them waiting for another. */
  show(): void {
    const known = new Map(this.all.map((one) => [one.layer, one]));
    const fresh = (layer: Layer): Shown => new Shown(layer, this.root, this.words, () => this.settle());
    this.all = this.state.layers.map((layer) => known.get(layer) ?? fresh(layer));
    this.chart ??= this.draw();
    for (const one of this.all) if (!known.has(one.layer)) this.open(one);
  }

  private open(shown: Shown): void {
    shown.open().catch(() => {
      if (this.drop(shown)) this.page.tell("refused");
    });
  }

  private draw(): Chart {
    const chart = new Chart(this.ground, NOTHING, this.shore, degrees(this.words.map), around(this.all));
    const bar = tools(chart, this.words.map);
    this.ground.before(bar);
    const { crs, view } = this.state;
    const code = CHOICES.find((one) => one === `EPSG:${crs}`);
    this.state.crs = code ? crs : "";
    if (code) {
      bar.querySelector("select")!.value = code;
      chart.show(code);
    }
    if (view) {
      chart.view.setCenter(projection(chart.code)!.forward(view[0], view[1]));
      chart.view.setResolution((view[2] * 1000) / this.ground.clientWidth);
    }
    bar.addEventListener("change", () => {
      this.state.crs = chart.code === CHOICES[0] ? "" : chart.code.slice(5);
      this.page.changed();
    });
    this.follow(chart);
    return chart;
  }

  /** Follows pointer and keyboard: values, the chosen place, and the view. */
  private follow(chart: Chart): void {
    let waiting = 0;
    chart.map.on("pointermove", ({ coordinate }) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => void this.readout.tell("pointer", chart.lonlat(coordinate)), 80);
    });
    chart.map.on("singleclick", ({ coordinate }) => void this.pick(chart.lonlat(coordinate)));
    chart.map.on("moveend", () => {
      const middle = chart.view.getCenter();
      if (!middle) return;
      this.keepView(chart, chart.lonlat(middle));
      if (!this.ground.matches(":focus-visible")) return;
      void this.readout.tell("pointer", chart.lonlat(middle)).then((words) => {
        if (words) this.said.textContent = this.words.own("middle", { place: words });
      });
    });
    this.ground.addEventListener("keydown", (event) => {
      const middle = chart.view.getCenter();
      if (event.key === "Enter" && middle) void this.pick(chart.lonlat(middle));
    });
  }

  /** The view stands in the address unless it is that of all layers. */
  private keepView(chart: Chart, middle: Degrees): void {
    if (chart.rests && !this.state.view) return;
    if (chart.rests) delete this.state.view;
    else this.state.view = [...middle, (chart.view.getResolution()! * this.ground.clientWidth) / 1000];
    this.page.changed();
  }

  private field(name: string): HTMLInputElement {
    return this.spot.elements.namedItem(name) as HTMLInputElement;
  }

  /** Chooses a place: marked on the map, its values told, and read there. */
  private async pick([longitude, latitude]: Degrees): Promise<void> {
    this.state.at = [Number(longitude.toFixed(4)), Number(latitude.toFixed(4))];
    this.field("lon").value = String(this.state.at[0]);
    this.field("lat").value = String(this.state.at[1]);
    this.redraw();
    this.page.changed();
    void this.readings?.quote();
    const words = await this.readout.tell("chosen", this.state.at);
    if (words) this.said.textContent = this.words.own("chosen", { place: words });
  }

  private redraw(): void {
    const { at } = this.state;
    const dot = (where: Degrees, code: string, paint: string): BaseLayer[] =>
      footprintLayers({ ...NOTHING, dots: [projection(DRAWN)!.forward(...where)] }, code, paint).slice(2);
    this.chart!.put("layers", (code) => [
      ...this.all.map((one, place) => one.layers(code, place)).reverse().flat(),
      ...this.near.flatMap(([place, where]) => dot(where, code, colourOf(place))),
      ...(at ? dot(at, code, "ink") : []),
    ]);
  }

  /** Shows list, map and values anew. */
  private settle(): void {
    this.list.show(this.all);
    this.box.hidden = this.all.length === 0;
    if (!this.state.view) this.chart!.rest(around(this.all));
    this.redraw();
    this.reading.hidden = !this.all.some((one) => one.source.reading);
    this.readout.show(this.all, this.state.at);
    this.readings?.show(this.all);
  }

  private tint(shown: Shown): void {
    shown.tint();
    this.page.changed();
    this.readout.show(this.all, this.state.at);
  }

  private move(shown: Shown, by: 1 | -1): void {
    const from = this.all.indexOf(shown);
    const to = from + by;
    this.all.splice(to, 0, ...this.all.splice(from, 1));
    this.state.layers.splice(to, 0, ...this.state.layers.splice(from, 1));
    this.settle();
    this.page.changed();
    this.page.tell("moved", { title: shown.source.title, place: to + 1, count: this.all.length });
  }

  private remove(shown: Shown): void {
    this.drop(shown);
    if (this.all.length === 0) this.page.rest();
    this.page.tell("removed", { title: shown.source.title });
  }

  /** Takes a layer away; tells whether it was there. */
  private drop(shown: Shown): boolean {
    const place = this.all.indexOf(shown);
    if (place < 0) return false;
    this.all.splice(place, 1);
    this.state.layers.splice(place, 1);
    this.settle();
    this.page.changed();
    return true;
  }

  /** The code that reads is fetched when it is asked for. */
  private offerReading(): void {
    const button = element("button", this.words.own("start"), { type: "button", "data-read": "" });
    this.reading.append(button);
    button.addEventListener("click", () => {
      button.disabled = true;
      const failed = (trouble: unknown): void => {
        button.disabled = false;
        this.page.tell("failed", { why: trouble instanceof Error ? trouble.message : "?" });
      };
      import("./readings").then(({ Readings }) => {
        button.remove();
        const near = (places: readonly Near[]): void => {
          this.near = places;
          this.redraw();
        };
        this.readings = new Readings(this.reading, this.words, this.state, { changed: () => this.page.changed(), near });
        this.readings.show(this.all);
      }, failed);
    });
  }
}

/** What the map shows at first: all that the layers cover, or the Arctic. */
function around(all: readonly Shown[]): Origin {
  const places = all.flatMap(({ source }) => [...source.shapes.areas.flat(), ...source.shapes.edges.flat(), ...source.shapes.dots]);
  const near = places.filter(([x, y]) => Math.hypot(x, y) < LARGEST);
  if (near.length === 0) return [0, 0, (2 * 3_900_000) / UNITS];
  const [west, east] = ends(near.map(([x]) => x));
  const [south, north] = ends(near.map(([, y]) => y));
  const half = Math.min(LARGEST, Math.max(LEAST, 0.6 * Math.max(east - west, north - south)));
  return [(west + east) / 2, (south + north) / 2, (2 * half) / UNITS];
}

function ends(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);
}
