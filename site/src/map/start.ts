/** Replaces the drawing of a page by a map that can be moved, enlarged and shown in other projections. */

import { element } from "../lib/dom";
import { CHOICES, type Position } from "../lib/projections";
import type { Words } from "../lib/words";
import { Chart } from "./chart";
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
  follow(chart, ground, readout, said, words);
  figure.querySelector("[data-start]")?.remove();
  figure.querySelector<HTMLElement>("[data-say]")?.remove();
  ground.focus({ preventScroll: true });
}

function degrees(words: Words): Degrees {
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

function tools(chart: Chart, words: Words): HTMLElement {
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

/** Says the place under the pointer, and at the middle while the map is moved with the keyboard. */
function follow(chart: Chart, ground: HTMLElement, readout: HTMLElement, said: HTMLElement, words: Words): void {
  chart.map.on("pointermove", (event) => {
    readout.textContent = place(chart.lonlat(event.coordinate), words);
  });
  chart.map.on("moveend", () => {
    const middle = chart.view.getCenter();
    if (!middle || document.activeElement !== ground || !ground.matches(":focus-visible")) return;
    said.textContent = words("middle", { place: place(chart.lonlat(middle), words) });
  });
}
