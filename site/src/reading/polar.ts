/** Positions on the polar grids of the Arctic, in the unit of a file's coordinates. */

import { projection } from "../lib/projections";
import type { Project } from "./query";

export function projectOf(code: string, perUnit: number): Project | undefined {
  const grid = projection(code);
  if (!grid) return undefined;
  return (longitude, latitude) => {
    const [x, y] = grid.forward(longitude, latitude);
    return [x / perUnit, y / perUnit];
  };
}
