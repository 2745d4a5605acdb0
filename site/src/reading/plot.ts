/** Plots of answers: one or several curves of the same unit against time or depth, with cursors linked between plots. */

import uPlot from "uplot";
import style from "uplot/dist/uPlot.min.css?inline";
import { colour, dress, element } from "../lib/dom";
import { span, type Curve } from "./curve";

const HEIGHT = 320;
const WIDEST = 900;
/** Share of an axis that stays free at each end. */
const RIM = 0.02;
/** Fonts of the page; in bold only what the page has in bold. */
const OURS = ".uplot{font-family:inherit}.u-legend{text-align:left}.u-legend th{font-weight:400}.u-legend td{font-variant-numeric:tabular-nums}";
/** ISO 8601 for each least step in seconds, and what a tick that begins a new year or day says besides; uPlot's order. */
const DAY = "{YYYY}-{MM}-{DD}";
const DATES = [
  [365 * 86_400, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * 86_400, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86_400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", `\n${DAY}`, null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", `\n${DAY}`, null, "\n{MM}-{DD}", null, null, null, 1],
] as uPlot.Axis.Values;
let styled = false;
/** What is drawn, by its box. */
const drawn = new Map<Element, uPlot>();

/** How a curve is drawn: a colour of the style sheet, and whether dashed. */
export interface Line {
  colour: string;
  dash?: number[];
}

/**
 * Draws curves that have their axes in common.
 *
 * Plots with the same `link` show their cursors at the same time or depth; `reach` is what the axis spans at first.
 */
export function plot(
  into: HTMLElement,
  curves: readonly (Curve & Line)[],
  label: string,
  { link, reach }: { link?: string; reach?: readonly [number, number] } = {},
): void {
  if (!styled) dress(style + OURS);
  styled = true;
  const [first] = curves as [Curve & Line];
  const { axis, upright, direction } = first;
  const box = element("div", "", { role: "img", "aria-label": label });
  into.append(box);
  const fonts = getComputedStyle(document.body).fontFamily;
  const looks = {
    stroke: colour("ink"),
    grid: { stroke: colour("hairline"), width: 1 },
    ticks: { stroke: colour("hairline"), width: 1 },
    font: `13px ${fonts}`,
    labelFont: `600 13px ${fonts}`,
  };
  const range = reach && { range: (_: uPlot, low: number, high: number) => widened(low, high, curves, reach) };
  const side = (of: { name: string; unit: string }): string => (of.unit ? `${of.name} (${of.unit})` : of.name);
  const same = curves.every((one) => one.name === first.name);
  const across = upright ? { ori: 1, dir: direction, time: false } as const : { time: axis.times };
  const made = new uPlot(
    {
      width: Math.max(280, Math.min(box.clientWidth || 640, WIDEST)),
      height: upright ? HEIGHT * 1.25 : HEIGHT,
      scales: { x: { ...across, ...range }, y: upright ? { ori: 0 } : {} },
      ...(link ? { cursor: { sync: { key: link } } } : {}),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      series: [{ label: side(axis), ...(axis.times ? { value: `${DAY} {HH}:{mm}` } : {}) }, ...curves.map((one) => ({
        label: curves.length > 1 || !link ? side(one) : one.name,
        stroke: colour(one.colour),
        width: 1.75,
        ...(one.dash ? { dash: one.dash } : {}),
        points: { show: one.y.length < 100, size: one.y.length < 5 ? 8 : 4 },
      }))],
      axes: [
        { ...looks, label: side(axis), side: upright ? 3 : 2, ...(axis.times ? { values: DATES } : {}) },
        { ...looks, label: same ? side(first) : first.unit, side: upright ? 2 : 3 },
      ],
    },
    curves.length > 1 ? uPlot.join(curves.map((one) => [one.x, one.y])) : [first.x, first.y],
    box,
  );
  drawn.set(box, made);
}

/** Empties an answer: its plots no longer follow each other's cursors, and its files are no longer kept. */
export function clear(answer: HTMLElement): void {
  for (const [box, one] of drawn)
    if (answer.contains(box)) {
      one.destroy();
      drawn.delete(box);
    }
  for (const link of answer.querySelectorAll<HTMLAnchorElement>("a[download]")) URL.revokeObjectURL(link.href);
  answer.replaceChildren();
}

/** What the linked plots span together, unless the reader has narrowed it. */
function widened(low: number, high: number, curves: readonly Curve[], reach: readonly [number, number]): [number, number] {
  const [from, to] = span(curves);
  const rim = (reach[1] - reach[0]) * RIM;
  return low <= from && high >= to ? [reach[0] - rim, reach[1] + rim] : [low, high];
}
