/** Boxes of longitudes and latitudes, also on grids whose positions do not follow rows and columns. */

import type { Position } from "../lib/projections";
import { ROUNDING } from "./choice";

export type Box = readonly [west: number, south: number, east: number, north: number];

/** Where indices begin, and the one behind the last. */
export type Span = readonly [first: number, stop: number];

/** Cells of some rows and columns, row by row: where they are, and which of them were asked for. */
export interface Cells {
  rows: Span;
  columns: Span;
  longitudes: Float64Array;
  latitudes: Float64Array;
  within: Uint8Array;
}

/** Degrees by which positions of 32 bits may lie beside those that were meant. */
export const MARGIN = 180 * ROUNDING;

/** How many degrees wide a box is; one with west > east goes across ±180°. */
export function width([west, , east]: Box): number {
  return east - west >= 360 ? 360 : modulo(east - west);
}

/** Tells whether a longitude, in any convention, and a latitude lie in a box. */
export function inside(box: Box): { wide: (longitude: number) => boolean; high: (latitude: number) => boolean } {
  const [west, south, , north] = box;
  const reach = width(box) + 2 * MARGIN;
  return {
    wide: (longitude) => modulo(longitude - west + MARGIN) <= reach,
    high: (latitude) => latitude >= south - MARGIN && latitude <= north + MARGIN,
  };
}

/** The cells of some rows and columns; only the rows and columns with any inside where a box is given. */
export function cellsOf(at: (row: number, column: number) => Position, rows: Span, columns: Span, box?: Box): Cells {
  const across = columns[1] - columns[0];
  const [longitudes, latitudes] = [new Float64Array(size(rows, columns)), new Float64Array(size(rows, columns))];
  const within = new Uint8Array(size(rows, columns)).fill(1);
  const is = box && inside(box);
  let [top, bottom, left, right] = is ? [Infinity, -1, Infinity, -1] : [rows[0], rows[1] - 1, columns[0], columns[1] - 1];
  for (let cell = 0; cell < within.length; cell += 1) {
    const [row, column] = [rows[0] + Math.floor(cell / across), columns[0] + (cell % across)];
    const [longitude, latitude] = at(row, column);
    longitudes[cell] = longitude;
    latitudes[cell] = latitude;
    if (!is) continue;
    within[cell] = Number(is.high(latitude) && is.wide(longitude));
    if (!within[cell]) continue;
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    [left, right] = [Math.min(left, column), Math.max(right, column)];
  }
  const all: Cells = { rows, columns, longitudes, latitudes, within };
  return bottom < 0 ? part(all, [0, 0], [0, 0]) : part(all, [top, bottom + 1], [left, right + 1]);
}

/** Some of the rows and columns of cells. */
function part(cells: Cells, rows: Span, columns: Span): Cells {
  const across = cells.columns[1] - cells.columns[0];
  const [first, kept] = [columns[0] - cells.columns[0], columns[1] - columns[0]];
  const [longitudes, latitudes] = [new Float64Array(size(rows, columns)), new Float64Array(size(rows, columns))];
  const found: Cells = { rows, columns, longitudes, latitudes, within: new Uint8Array(size(rows, columns)) };
  for (let row = rows[0]; row < rows[1]; row += 1) {
    const [start, to] = [(row - cells.rows[0]) * across + first, (row - rows[0]) * kept];
    for (const name of ["longitudes", "latitudes", "within"] as const) found[name].set(cells[name].subarray(start, start + kept), to);
  }
  return found;
}

export const size = (rows: Span, columns: Span): number => (rows[1] - rows[0]) * (columns[1] - columns[0]);

export const modulo = (degrees: number): number => ((degrees % 360) + 360) % 360;
