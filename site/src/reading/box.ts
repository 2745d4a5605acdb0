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
  const [longitudes, latitudes] = [new Float64Array(size(rows, columns)), new Float64Array(size(rows, columns))];
  let cell = 0;
  for (let row = rows[0]; row < rows[1]; row += 1)
    for (let column = columns[0]; column < columns[1]; column += 1, cell += 1)
      [longitudes[cell], latitudes[cell]] = at(row, column) as [number, number];
  const all: Cells = { rows, columns, longitudes, latitudes, within: new Uint8Array(cell).fill(1) };
  return box ? cut(all, box) : all;
}

/** Marks the cells that lie in a box, and leaves out the rows and columns without any. */
function cut(cells: Cells, box: Box): Cells {
  const { rows, columns, longitudes, latitudes, within } = cells;
  const { wide, high } = inside(box);
  const across = columns[1] - columns[0];
  let [top, bottom, left, right] = [Infinity, -1, Infinity, -1];
  for (let cell = 0; cell < within.length; cell += 1) {
    within[cell] = Number(high(latitudes[cell]!) && wide(longitudes[cell]!));
    if (!within[cell]) continue;
    const [row, column] = [rows[0] + Math.floor(cell / across), columns[0] + (cell % across)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    [left, right] = [Math.min(left, column), Math.max(right, column)];
  }
  return bottom < 0 ? part(cells, [0, 0], [0, 0]) : part(cells, [top, bottom + 1], [left, right + 1]);
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
