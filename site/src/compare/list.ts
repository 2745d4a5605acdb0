/** The list of layers, topmost first: move, hide, fade, choose the raster, remove; all of it with the keyboard too. */

import { element } from "../lib/dom";
import { colourOf, type Shown } from "./shown";
import type { Texts } from "./texts";

export interface Acts {
  move(shown: Shown, by: 1 | -1): void;
  remove(shown: Shown): void;
  choose(shown: Shown, raster: number): void;
  /** Hidden or faded. */
  tint(shown: Shown): void;
  /** Tried again after something did not answer. */
  again(shown: Shown): void;
}

export class List {
  readonly box = element("ol", "", { class: "layers" });
  private all: readonly Shown[] = [];

  constructor(
    private readonly words: Texts,
    private readonly acts: Acts,
  ) {}

  /** Makes the list anew; the focus stays on its control, or goes to a neighbour where that is off or gone. */
  show(all: readonly Shown[]): void {
    const now = document.activeElement;
    const place = [...this.box.children].findIndex((line) => line.contains(now));
    const held = this.all[place];
    this.all = [...all];
    this.box.replaceChildren(...all.map((one, at) => this.line(one, at, all.length)));
    if (!held) return;
    const line = this.box.children[all.includes(held) ? all.indexOf(held) : Math.min(place, all.length - 1)];
    const wanted = now!.matches("a") ? "a" : `[name="${now!.getAttribute("name")}"]:not(:disabled)`;
    line?.querySelector<HTMLElement>(line.querySelector(wanted) ? wanted : "button:not(:disabled)")?.focus();
  }

  private line(shown: Shown, place: number, count: number): HTMLElement {
    const { layer, source } = shown;
    const line = element("li", "", { class: colourOf(place) });
    const name = element("a", source.title, { href: source.page, ...(source.lang ? { lang: source.lang } : {}) });
    const heading = element("p", "", { class: "name" });
    const kinds = [source.rasters.length > 0 && "raster", source.reading && "readable"].filter(Boolean);
    const about = [source.partner, ...kinds.map((kind) => this.words.own(`is.${String(kind)}`))].filter(Boolean).join(" · ");
    heading.append(name, element("small", about));
    line.append(heading, this.buttons(shown, place, count));
    if (source.rasters.length > 1) line.append(this.choice(shown));
    if (shown.raster && !layer.hidden) line.append(shown.raster.palette.legend(this.words.map));
    if (shown.note) line.append(element("p", shown.note, { role: "status" }));
    if (shown.failed) line.append(this.button(shown, "again", this.words.own("short.again"), () => this.acts.again(shown)));
    return line;
  }

  private button(shown: Shown, name: string, sign: string, run: () => void): HTMLButtonElement {
    const label = this.words.own(name, { title: shown.source.title });
    const made = element("button", sign, { type: "button", name, "aria-label": label, title: this.words.own(`short.${name}`) });
    made.addEventListener("click", run);
    return made;
  }

  private buttons(shown: Shown, place: number, count: number): HTMLElement {
    const { layer, source } = shown;
    const bar = element("div", "", { class: "acts" });
    const up = this.button(shown, "up", "↑", () => this.acts.move(shown, -1));
    const down = this.button(shown, "down", "↓", () => this.acts.move(shown, 1));
    [up.disabled, down.disabled] = [place === 0, place === count - 1];
    const shows = element("input", "", { type: "checkbox", name: "visible", "aria-label": this.words.own("visible", { title: source.title }) });
    shows.checked = !layer.hidden;
    shows.addEventListener("change", () => {
      layer.hidden = !shows.checked;
      this.acts.tint(shown);
    });
    const fade = element("input", "", { type: "range", name: "opacity", min: "0", max: "100", step: "5", "aria-label": this.words.own("opacity", { title: source.title }) });
    fade.value = String(layer.opacity);
    fade.addEventListener("input", () => {
      layer.opacity = Number(fade.value);
      this.acts.tint(shown);
    });
    bar.append(up, down, labelled(this.words.own("short.visible"), shows), labelled(this.words.own("short.opacity"), fade));
    bar.append(this.button(shown, "remove", "×", () => this.acts.remove(shown)));
    return bar;
  }

  private choice(shown: Shown): HTMLElement {
    const { layer, source } = shown;
    const select = element("select", "", { name: "raster", "aria-label": this.words.own("raster.of", { title: source.title }) });
    select.append(...source.rasters.map((one, index) => new Option(one.title, String(index))), new Option(this.words.map("none"), "-1"));
    select.value = String(layer.raster);
    select.addEventListener("change", () => this.acts.choose(shown, Number(select.value)));
    return labelled(this.words.map("raster"), select);
  }
}

export function labelled(words: string, field: HTMLElement): HTMLLabelElement {
  const label = element("label", `${words} `);
  label.append(field);
  return label;
}
