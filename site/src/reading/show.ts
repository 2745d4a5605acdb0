/** Shows an answer: a plot, its twin as a table, and what can be taken away. */

import { element } from "../lib/dom";
import type { Words } from "../lib/words";
import { cell, csv, python, type Group } from "./exports";
import { pictureOf } from "./picture";
import { curveOf } from "./curve";
import { clear, plot } from "./plot";
import type { Table } from "./query";

const ROWS = 50;

export function show(into: HTMLElement, table: Table, words: Words, opening: string, about: readonly string[], groups: readonly Group[]): void {
  clear(into);
  const { kind } = table.plan.question;
  if (kind === "series" || kind === "profile")
    plot(into, [{ ...curveOf(table), colour: "accent" }], words("plot", { name: table.plan.variable.name }));
  if (kind === "map") picture(into, table, words);
  into.append(rows(table, words), taken(table, words, opening, about, groups));
}

/** A map as a picture of its cells, from the smallest to the largest value in shades of one colour. */
function picture(into: HTMLElement, table: Table, words: Words): void {
  const { values, width, height, low, high } = pictureOf(table);
  const name = table.plan.variable.name;
  const label = words("picture", { name, low: low.toPrecision(4), high: high.toPrecision(4) });
  const canvas = element("canvas", "", { role: "img", "aria-label": label, width: String(width), height: String(height) });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    const share = (values[i]! - low) / (high - low || 1);
    const shade = Number.isNaN(share) ? [0, 0, 0, 0] : [10 + 232 * share, 60 + 186 * share, 110 + 142 * share, 255];
    image.data.set(shade, 4 * i);
  }
  context.putImageData(image, 0, 0);
  into.append(canvas, element("p", label));
}

/** The first rows of the answer. */
export function rows({ columns }: Table, words: Words): HTMLElement {
  const count = columns.at(-1)!.values.length;
  const box = element("div", "", { class: "scroll", role: "region", tabindex: "0", "aria-label": words("table") });
  const table = box.appendChild(element("table"));
  table.append(element("caption", words("rows", { shown: Math.min(count, ROWS), all: count })));
  const head = table.createTHead().insertRow();
  for (const one of columns)
    head.append(element("th", one.unit ? `${one.name} (${one.unit})` : one.name, { scope: "col", class: "number" }));
  const body = table.createTBody();
  for (let row = 0; row < Math.min(count, ROWS); row += 1) {
    const line = body.insertRow();
    for (const one of columns) line.append(element("td", cell(one.values[row]!, one.times), { class: "number" }));
  }
  return box;
}

/** What can be taken away: the answer as CSV, and code that reads the same. */
export function taken(table: Table, words: Words, opening: string, about: readonly string[], groups: readonly Group[] = []): HTMLElement {
  const box = element("div");
  const data = new Blob([csv(table, about)], { type: "text/csv" });
  const name = `${table.plan.variable.name.replaceAll(/[^\w-]+/g, "-")}-${table.plan.question.kind}.csv`;
  const link = element("a", words("download"), { class: "button", download: name, href: URL.createObjectURL(data) });
  const code = element("details");
  code.append(element("summary", words("code")));
  code.appendChild(element("pre")).append(element("code", python(table, opening, groups)));
  box.append(link, code);
  return box;
}
