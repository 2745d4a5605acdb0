/** Reads what the builder drew: footprints and land as paths, already projected to EPSG:3413. */

import type { Position } from "../lib/projections";

/** In what the builder projected. */
export const DRAWN = "EPSG:3413";

export interface Footprints {
  areas: Position[][];
  edges: Position[][];
  dots: Position[];
}

/** Where a drawing's units lie: x and y of its middle, and the size of a unit, metres. */
export type Origin = readonly [x: number, y: number, unit: number];

/** Takes a path of absolute starts and relative steps apart; the steps are those that the builder writes. */
export function lines(path: string, [x, y, unit]: Origin): Position[][] {
  const found: Position[][] = [];
  for (const [, left, down, steps = "", end = ""] of path.matchAll(/M(-?\d+) (-?\d+)(?:l([-\d ]*))?(z?)/g)) {
    let [a, b] = [Number(left), Number(down)];
    const line: Position[] = [[x + a * unit, y - b * unit]];
    const numbers = steps.match(/-?\d+/g) ?? [];
    for (let i = 0; i + 1 < numbers.length; i += 2) {
      a += Number(numbers[i]);
      b += Number(numbers[i + 1]);
      line.push([x + a * unit, y - b * unit]);
    }
    if (end) line.push(line[0]!);
    found.push(line);
  }
  return found;
}

/** Where the middle of a drawing is; undefined where there is none. */
export function originOf(drawing: SVGSVGElement): Origin | undefined {
  const numbers = (drawing.dataset["origin"] ?? "").split(" ").map(Number);
  return numbers.length === 3 && numbers.every(Number.isFinite) ? (numbers as [number, number, number]) : undefined;
}

export function footprints(drawing: SVGSVGElement, origin: Origin): Footprints {
  const of = (kind: string): Position[][] =>
    [...drawing.querySelectorAll(`g.fine path.${kind}`)].flatMap((path) => lines(path.getAttribute("d") ?? "", origin));
  return { areas: of("area"), edges: of("edge"), dots: of("dots").flat() };
}

/** The land of `static/land.svg`: rings, one unit per kilometre. */
export async function land(address: string): Promise<Position[][]> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} ${address}`);
  const path = / d="([^"]*)"/.exec(await answer.text());
  return lines(path?.[1] ?? "", [0, 0, 1000]);
}
