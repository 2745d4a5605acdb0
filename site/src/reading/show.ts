/** Shows an answer: a plot, its twin as a table, and what can be taken away. */

import uPlot from "uplot";
import style from "uplot/dist/uPlot.min.css?inline";
import { element } from "../lib/dom";
import type { Words } from "../lib/words";
import { cell, csv, python } from "./exports";
import type { Column, Table } from "./query";

const ROWS = 50;
const HEIGHT = 320;
let styled = false;

export function show(into: HTMLElement, table: Table, words: Words, opening: string, about: readonly string[]): void {
  into.replaceChildren();
  const { kind } = table.plan.question;
  if (kind === "series" || kind === "profile") plot(into, table, words);
  if (kind === "map") picture(into, table, words);
  into.append(rows(table, words), taken(table, words, opening, about));
}

/** The column to plot against: times or the depths; without either, the first. */
function against(table: Table): Column {
  const axes = table.columns.slice(0, -1);
  const depth = table.plan.question.kind === "profile" ? axes.find((one) => varies(one) && !one.times) : undefined;
  return depth ?? axes.find((one) => one.times) ?? axes[0]!;
}

function varies({ values }: Column): boolean {
  return values.length > 1 && values[0] !== values[values.length - 1];
}

function plot(into: HTMLElement, table: Table, words: Words): void {
  if (!styled) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    styled = true;
  }
  const axis = against(table);
  const value = table.columns.at(-1)!;
  const order = Array.from(value.values, (_, index) => index).sort((a, b) => axis.values[a]! - axis.values[b]!);
  const x = order.map((index) => axis.values[index]! / (axis.times ? 1000 : 1));
  const y = order.map((index) => (Number.isNaN(value.values[index]!) ? null : value.values[index]!));
  const down = table.plan.question.kind === "profile";
  const colours = getComputedStyle(document.documentElement);
  const ink = colours.getPropertyValue("--ink") || "#10222f";
  const stroke = colours.getPropertyValue("--accent") || "#0a5c7a";
  const label = (one: Column): string => (one.unit ? `${one.name} (${one.unit})` : one.name);
  const box = element("div", "", { role: "img", "aria-label": words("plot", { name: value.name }) });
  into.append(box);
  new uPlot(
    {
      width: Math.max(280, Math.min(box.clientWidth || 640, 900)),
      height: HEIGHT,
      scales: down ? { x: { time: false, ori: 1, dir: up(table, axis) }, y: { ori: 0 } } : { x: { time: axis.times } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      series: [{ label: label(axis) }, { label: label(value), stroke, width: 1.5, points: { show: y.length < 100 } }],
      axes: [
        { stroke: ink, label: label(axis), side: down ? 3 : 2 },
        { stroke: ink, label: label(value), side: down ? 2 : 3 },
      ],
    },
    [x, y],
    box,
  );
}

/** Heights rise upwards; depths and pressures increase downwards. */
function up({ plan }: Table, axis: Column): 1 | -1 {
  return plan.axes.find((one) => one.name === axis.name)?.up ? 1 : -1;
}

/** A map as a picture of its cells, from the smallest to the largest value in shades of one colour. */
function picture(into: HTMLElement, table: Table, words: Words): void {
  const { values } = table.columns.at(-1)!;
  const [height, width] = table.block.shape.slice(-2) as [number, number];
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i += 1) {
    low = Math.min(low, Number.isNaN(values[i]!) ? Infinity : values[i]!);
    high = Math.max(high, Number.isNaN(values[i]!) ? -Infinity : values[i]!);
  }
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

function rows({ columns }: Table, words: Words): HTMLElement {
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

function taken(table: Table, words: Words, opening: string, about: readonly string[]): HTMLElement {
  const box = element("div");
  const data = new Blob([csv(table, about)], { type: "text/csv" });
  const name = `${table.plan.variable.name.replaceAll(/[^\w-]+/g, "-")}-${table.plan.question.kind}.csv`;
  const link = element("a", words("download"), { class: "button", download: name, href: URL.createObjectURL(data) });
  const code = element("details");
  code.append(element("summary", words("code")));
  code.appendChild(element("pre")).append(element("code", python(table, opening)));
  box.append(link, code);
  return box;
}
