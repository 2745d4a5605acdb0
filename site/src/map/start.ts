/** Replaces the drawing of a page by a map that can be moved, enlarged and shown in other projections. */

import { element } from "../lib/dom";
import { CHOICES, type Position } from "../lib/projections";
import { wordsOf, type Words } from "../lib/words";
import { Chart } from "./chart";
import type { Rasters } from "./raster/index";
import type { Described } from "./raster/palette";
import type { Service } from "./service";
import { footprints, land, originOf } from "./drawing";
import type { Degrees } from "./layers";

export async function start(figure: HTMLElement, words: Words): Promise<void> {
  const drawing = figure.querySelector("svg");
  const origin = drawing && originOf(drawing);
  if (!drawing || !origin) throw new Error("map");
  const shore = await land(figure.dataset["land"] ?? "");
  const live = element("div", "", { class: "live" });
  const name = drawing.getAttribute("aria-label") ?? "";
  const ground = element("div", "", { class: "ground", tabindex: "0", role: "application", "aria-label": name });
  const readout = element("p", "", { class: "readout" });
  const said = element("p", words("keys"), { role: "status", class: "said" });
  ground.setAttribute("aria-describedby", (said.id = "map-said"));
  live.append(ground, readout, said);
  drawing.replaceWith(live);
  const chart = new Chart(ground, footprints(drawing, origin), shore, degrees(words), origin);
  live.prepend(tools(chart, words));
  const rasters = await rastersOf(figure, chart, words);
  if (rasters) {
    live.append(rasters.box);
    await rasters.first();
  }
  live.append(...(await servicesOf(figure, chart)));
  follow(chart, rasters, { ground, readout, said }, words);
  figure.querySelector("[data-start]")?.remove();
  figure.querySelector<HTMLElement>("[data-say]")?.remove();
  ground.focus({ preventScroll: true });
}

/** What the page has of rasters; their code is fetched only where there are some. */
async function rastersOf(figure: HTMLElement, chart: Chart, words: Words): Promise<Rasters | undefined> {
  const described = JSON.parse(figure.dataset["rasters"] ?? "[]") as Described[];
  if (described.length === 0) return undefined;
  const { Rasters } = await import("./raster/index");
  return new Rasters(chart, described, words);
}

/** The choice of partners' maps, whose code is fetched only where there are some that this page may ask. */
async function servicesOf(figure: HTMLElement, chart: Chart): Promise<HTMLElement[]> {
  const all = JSON.parse(figure.dataset["services"] ?? "[]") as Service[];
  const open = all.filter((one) => location.protocol !== "https:" || one.href.startsWith("https:"));
  if (open.length === 0) return [];
  const { Services } = await import("./service");
  return [new Services(chart, open, wordsOf(figure, "serviceWords")).box];
}

/** Degrees of meridians and parallels in words. */
export function degrees(words: Words): Degrees {
  return {
    east: (longitude) => {
      if (longitude === 0 || Math.abs(longitude) === 180) return words("meridian", { deg: Math.abs(longitude) });
      return words(longitude > 0 ? "east" : "west", { deg: Math.abs(longitude) });
    },
    north: (latitude) => words("north", { deg: latitude }),
  };
}

/** A place in words, as finely as a pixel of the map is. */
export function place([longitude, latitude]: Position, words: Words): string {
  const deg = Math.abs(longitude).toFixed(3);
  return words("place", {
    north: words(latitude < 0 ? "south" : "north", { deg: Math.abs(latitude).toFixed(3) }),
    east: words(longitude < 0 ? "west" : "east", { deg }),
  });
}

/** Buttons to enlarge, reduce and go back, and the choice of a projection. */
export function tools(chart: Chart, words: Words): HTMLElement {
  const bar = element("div", "", { class: "tools" });
  const button = (key: string, sign: string, act: () => void): void => {
    const made = element("button", sign, { type: "button", "aria-label": words(key), title: words(key) });
    made.addEventListener("click", act);
    bar.append(made);
  };
  button("closer", "+", () => chart.zoom(1));
  button("farther", "−", () => chart.zoom(-1));
  button("home", "⌂", () => chart.goHome());
  const label = element("label", `${words("projection")} `);
  const choice = element("select", "", { name: "projection" });
  choice.append(...CHOICES.map((code) => new Option(words(code.replace("EPSG:", "epsg.")), code)));
  choice.addEventListener("change", () => chart.show(choice.value));
  label.append(choice);
  bar.append(label);
  return bar;
}

interface Texts {
  ground: HTMLElement;
  readout: HTMLElement;
  said: HTMLElement;
}

/** Says the place under the pointer and the value there, and those at the middle while the keyboard moves the map. */
function follow(chart: Chart, rasters: Rasters | undefined, { ground, readout, said }: Texts, words: Words): void {
  let latest = 0;
  let waiting = 0;
  const tell = async (at: Position, into: HTMLElement, key: string): Promise<void> => {
    const turn = ++latest;
    const where = place(chart.lonlat(at), words);
    into.textContent = words(key, { place: where, value: "" }).trim();
    const value = (await rasters?.at(at)) ?? "";
    if (turn === latest && value) into.textContent = words(key, { place: where, value }).trim();
  };
  chart.map.on("pointermove", (event) => {
    const at = event.coordinate as Position;
    readout.textContent = place(chart.lonlat(at), words);
    clearTimeout(waiting);
    waiting = setTimeout(() => void tell(at, readout, "here"), rasters ? 80 : 0);
  });
  chart.map.on("moveend", () => {
    const middle = chart.view.getCenter();
    if (!middle || document.activeElement !== ground || !ground.matches(":focus-visible")) return;
    void tell(middle as Position, said, "middle");
  });
}
