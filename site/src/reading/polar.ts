/** Reference systems of grids, in the unit of a file's coordinates. */

import { projection, type Position, type Projection } from "../lib/projections";
import { width, type Box, type Span } from "./box";

export interface Frame extends Projection {
  code: string;
  /** Metres in the unit of the coordinates. */
  perUnit: number;
  /** Between which coordinates a box lies; undefined where that is not known without trying each cell. */
  around(box: Box): { x: Span; y: Span } | undefined;
}

/** A parallel is drawn with so many parts, of two degrees at most. */
const PARTS = 180;

export function frameOf(code: string, perUnit: number): Frame | undefined {
  const grid = projection(code);
  if (!grid) return undefined;
  const forward = (longitude: number, latitude: number): Position => {
    const [x, y] = grid.forward(longitude, latitude);
    return [x / perUnit, y / perUnit];
  };
  return {
    code,
    perUnit,
    forward,
    inverse: (x, y) => grid.inverse(x * perUnit, y * perUnit),
    around: (box) => (code.startsWith("EPSG:326") ? undefined : outline(box, forward, 1000 / perUnit)), // UTM is not continuous far from its zone
  };
}

/** Between which coordinates a box lies: meridians are straight lines here, so what is outermost lies on its parallels. */
function outline(box: Box, forward: Projection["forward"], kilometre: number): { x: Span; y: Span } {
  const [west, south, , north] = box;
  const places = [south, north].flatMap((latitude) =>
    Array.from({ length: PARTS + 1 }, (_, part) => forward(west + (part / PARTS) * width(box), latitude)),
  );
  const span = (values: number[]): Span => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const bow = (high - low) / 1000 + kilometre; // an arc of two degrees reaches less than this beyond its ends
    return [low - bow, high + bow];
  };
  return { x: span(places.map(([x]) => x)), y: span(places.map(([, y]) => y)) };
}
