/** Where boxes of degrees lie on projected grids. */

import type { Projection } from "../lib/projections";
import { width, type Box, type Span } from "./box";

/** A parallel is drawn with so many parts, of two degrees at most. */
const PARTS = 180;

/** Between which coordinates of a reference system a box lies; undefined where that is not known without trying each cell. */
export function outline(box: Box, crs: string, { forward }: Projection): { x: Span; y: Span } | undefined {
  if (crs.startsWith("EPSG:326")) return undefined; // UTM is not continuous far from its zone
  const [west, south, , north] = box;
  // Meridians are straight lines here, so what is outermost lies on the parallels.
  const places = [south, north].flatMap((latitude) =>
    Array.from({ length: PARTS + 1 }, (_, part) => forward(west + (part / PARTS) * width(box), latitude)),
  );
  const span = (values: number[]): Span => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const bow = (high - low) / 1000 + 1000; // an arc of two degrees reaches less than this beyond its ends
    return [low - bow, high + bow];
  };
  return { x: span(places.map(([x]) => x)), y: span(places.map(([, y]) => y)) };
}
