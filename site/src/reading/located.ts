/** Cells of grids whose positions do not follow rows and columns: projected ones, and those with a position for each cell. */

import type { Projection } from "../lib/projections";
import { cellsOf, size, type Box, type Cells, type Span } from "./box";
import { MOST_VALUES } from "./dataset";
import { metres } from "./nearby";
import { outline } from "./outline";
import type { Column, Reader } from "./query";
import type { Place } from "./roles";
import { ReadError } from "./trouble";

/** Cells of the rows and columns `y` and `x`, the names of their positions, and for a projected grid how these are made. */
export interface Located extends Cells {
  y: string;
  x: string;
  longitude: string;
  latitude: string;
  projected?: { crs: string; easting: string; northing: string };
}

/** Computed positions are told to a ten-millionth of a degree, a centimetre. */
const DIGITS = 1e7;

/** Whether a box can be cut out of what lies at these places. */
export function boxable(place: Place | undefined, projection: Projection | undefined): boolean {
  return place !== undefined && place.kind !== "one" && (place.kind !== "projected" || projection !== undefined);
}

/** The cells in a box, or all; undefined for other places, and where nothing knows the reference system. */
export async function located(reader: Reader, place: Place | undefined, box: Box | undefined): Promise<Located | undefined> {
  if (place?.kind === "cells") return bent(reader, place, box);
  return place?.kind === "projected" && reader.projection ? projected(reader, reader.projection, place, box) : undefined;
}

async function bent(reader: Reader, { longitude, latitude, x, y }: Place & { kind: "cells" }, box: Box | undefined): Promise<Located> {
  const [longitudes, latitudes] = [await reader.coordinate(longitude), await reader.coordinate(latitude)];
  const [rows, columns] = reader.dataset.variable(latitude).shape as [number, number];
  const cell = (row: number, column: number): number => row * columns + column;
  const found = cellsOf((row, column) => [longitudes[cell(row, column)]!, latitudes[cell(row, column)]!], [0, rows], [0, columns], box);
  return { ...found, y, x, longitude, latitude };
}

async function projected(
  reader: Reader,
  projection: Projection,
  { easting, northing, x, y }: Place & { kind: "projected" },
  box: Box | undefined,
): Promise<Located> {
  const [wide, high] = [await metres(reader, easting), await metres(reader, northing)];
  const around = box && outline(box, reader.crs, projection);
  const [rows, columns] = [reach(high, around?.y), reach(wide, around?.x)];
  if (size(rows, columns) > MOST_VALUES) throw new ReadError("large", String(size(rows, columns)));
  const found = cellsOf((row, column) => projection.inverse(wide[column]!, high[row]!), rows, columns, box);
  return { ...found, y, x, longitude: "longitude", latitude: "latitude", projected: { crs: reader.crs, easting, northing } };
}

/** Latitude and longitude of rows of a table, and which of these lie in the box; `along` tells which index in the file a row has. */
export function positionsOf(
  { y, x, rows, columns, latitude, longitude, latitudes, longitudes, within, projected: made }: Located,
  count: number,
  along: (dim: string) => (row: number) => number,
): { columns: Column[]; within: (row: number) => boolean } {
  const [down, right] = [along(y), along(x)];
  const cell = (row: number): number => (down(row) - rows[0]) * (columns[1] - columns[0]) + right(row) - columns[0];
  const shown = made ? (degrees: number): number => Math.round(degrees * DIGITS) / DIGITS : (degrees: number): number => degrees;
  const column = (name: string, unit: string, values: Float64Array): Column =>
    ({ name, unit, values: Float64Array.from({ length: count }, (_, row) => shown(values[cell(row)]!)), times: false });
  return {
    columns: [column(latitude, "degrees_north", latitudes), column(longitude, "degrees_east", longitudes)],
    within: (row) => within[cell(row)] === 1,
  };
}

/** From the first to the last index whose value lies between two. */
function reach(values: Float64Array, [low, high]: Span = [-Infinity, Infinity]): Span {
  const found = Array.from(values.keys()).filter((index) => values[index]! >= low && values[index]! <= high);
  return [found[0] ?? 0, (found.at(-1) ?? -1) + 1];
}
