/** The list of layers, topmost first: move, hide, fade, choose the raster, remove; all of it with the keyboard too. */

import { element } from "../lib/dom";
import type { Words } from "../lib/words";
import { colourOf, type Shown } from "./shown";

export interface Acts {
  move(shown: Shown, by: 1 | -1): void;
  remove(shown: Shown): void;
  choose(shown: Shown, raster: number): void;
  /** Hidden or faded. */
  tint(shown: Shown): void;
}

export class List {
  readonly box = element("ol", "", { class: "layers" });

  constructor(
    private readonly words: Words,
    private readonly acts: Acts,
  ) {}

  show(all: readonly Shown[]): void {
    this.box.replaceChildren(...all.map((one, place) => this.line(one, place, all.length)));
  }

  /** Puts the focus on a button of a line after the list was made anew; on its neighbour where it is off. */
  focus(place: number, act: string): void {
    const line = this.box.children[Math.min(place, this.box.children.length - 1)];
    const wanted = line?.querySelector<HTMLButtonElement>(`[data-act="${act}"]:not(:disabled)`);
    (wanted ?? line?.querySelector<HTMLElement>("button:not(:disabled)"))?.focus();
  }

  private line(shown: Shown, place: number, count: number): HTMLElement {
    const { layer, source } = shown;
    const line = element("li", "", { class: colourOf(place) });
    const name = element("a", source.title, { href: source.page, ...(source.lang ? { lang: source.lang } : {}) });
    const heading = element("p", "", { class: "name" });
    const kinds = [source.rasters.length > 0 && "raster", source.reading && "readable"].filter(Boolean);
    const about = [source.partner, ...kinds.map((kind) => this.words(`is.${String(kind)}`))].filter(Boolean).join(" · ");
    heading.append(name, element("small", about));
    line.append(heading, this.buttons(shown, place, count));
    if (source.rasters.length > 1) line.append(this.choice(shown));
    if (shown.palette && !layer.hidden) line.append(shown.palette.legend(this.words));
    if (shown.trouble) line.append(element("p", shown.trouble, { role: "status" }));
    return line;
  }

  private buttons(shown: Shown, place: number, count: number): HTMLElement {
    const { layer, source } = shown;
    const bar = element("div", "", { class: "acts" });
    const button = (act: string, sign: string, off: boolean, run: () => void): void => {
      const label = this.words(act, { title: source.title });
      const made = element("button", sign, { type: "button", "data-act": act, "aria-label": label, title: this.words(`short.${act}`) });
      made.disabled = off;
      made.addEventListener("click", run);
      bar.append(made);
    };
    button("up", "↑", place === 0, () => this.acts.move(shown, -1));
    button("down", "↓", place === count - 1, () => this.acts.move(shown, 1));
    const shows = element("input", "", { type: "checkbox", name: "visible", "aria-label": this.words("visible", { title: source.title }) });
    shows.checked = !layer.hidden;
    shows.addEventListener("change", () => {
      layer.hidden = !shows.checked;
      this.acts.tint(shown);
    });
    const fade = element("input", "", { type: "range", name: "opacity", min: "0", max: "100", step: "5", "aria-label": this.words("opacity", { title: source.title }) });
    fade.value = String(layer.opacity);
    fade.addEventListener("input", () => {
      layer.opacity = Number(fade.value);
      this.acts.tint(shown);
    });
    bar.append(labelled(this.words("short.visible"), shows), labelled(this.words("short.opacity"), fade));
    button("remove", "×", false, () => this.acts.remove(shown));
    return bar;
  }

  private choice(shown: Shown): HTMLElement {
    const { layer, source } = shown;
    const select = element("select", "", { name: "raster", "aria-label": this.words("raster.of", { title: source.title }) });
    select.append(...source.rasters.map((one, index) => new Option(one.title, String(index))), new Option(this.words("none"), "-1"));
    select.value = String(layer.raster);
    select.addEventListener("change", () => this.acts.choose(shown, Number(select.value)));
    return labelled(this.words("raster"), select);
  }
}

export function labelled(words: string, field: HTMLElement): HTMLLabelElement {
  const label = element("label", `${words} `);
  label.append(field);
  return label;
}
