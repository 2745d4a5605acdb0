/** How what was found is shown: a line for each item, and the values of facets with their counts. */

import { element } from "../lib/dom";
import type { Words } from "../lib/words";
import { DEGREE } from "./asked";
import type { Hit } from "./index";

const MOST_SHOWN = 12;

/** A value of a facet: what stands in the address, its name, and how many items have it where that is known. */
export type Value = readonly [value: string, title: string, count: string];

export function line(hit: Hit): HTMLElement {
  const line = element("li", "", { "data-id": hit.id });
  const tail = hit.own ? "/index.html" : ".html";
  const href = `../${[hit.shelf.partner, hit.shelf.id, hit.id].map(encodeURIComponent).join("/")}${tail}`;
  const about = [hit.shelf.title, when(hit), where(hit)].filter(Boolean).join(" · ");
  line.append(element("a", hit.title, { href }), element("br"), element("small", about));
  return line;
}

/** The values of a facet as boxes to tick; all but the first few lie folded. */
export function group(name: string, values: readonly Value[], chosen: readonly string[], words: Words): HTMLElement {
  const group = element("fieldset");
  group.append(element("legend", words(`facet.${name}`)));
  const labels = values.map(([value, title, count]) => {
    const label = element("label");
    const box = element("input", "", { type: "checkbox", name, value });
    box.checked = chosen.includes(value);
    label.append(box, ` ${title.replaceAll("_", " ")} `, element("small", count));
    return label;
  });
  group.append(...labels.slice(0, MOST_SHOWN));
  if (labels.length > MOST_SHOWN) {
    const rest = element("details");
    rest.open = values.slice(MOST_SHOWN).some(([value]) => chosen.includes(value));
    rest.append(element("summary", words("rest", { n: labels.length - MOST_SHOWN })), ...labels.slice(MOST_SHOWN));
    group.append(rest);
  }
  return group;
}

/** Bytes in words. */
export function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function when({ time: [start, length] }: Hit): string {
  const day = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  if (start < -62135596000) return "";
  const [from, to] = [day(start), start + length > 253402300000 ? "…" : day(start + length)];
  return from === to ? from : `${from} – ${to}`;
}

function where({ box: [west, south, width, height] }: Hit): string {
  if (width < 0) return "";
  const side = (value: number, [plus, minus]: readonly [string, string]): string =>
    `${Number((Math.abs(value) / DEGREE).toFixed(2))}°${value < 0 ? minus : plus}`;
  const east = west + width > 180 * DEGREE ? west + width - 360 * DEGREE : west + width;
  const range = (a: string, b: string): string => (a === b ? a : `${a} – ${b}`);
  return `${range(side(south, ["N", "S"]), side(south + height, ["N", "S"]))}, ${range(side(west, ["E", "W"]), side(east, ["E", "W"]))}`;
}
