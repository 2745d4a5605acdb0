/** Positions on the polar stereographic grids of the Arctic, in closed form (Snyder 1987, equations 15-9, 21-33, 21-34). */

import type { Project } from "./query";

/** Radius, flattening, true latitude and central longitude (EPSG registry). */
const GRIDS: Readonly<Record<string, readonly [number, number, number, number]>> = {
  "EPSG:3413": [6378137, 1 / 298.257223563, 70, -45],
  "EPSG:3995": [6378137, 1 / 298.257223563, 71, 0],
  "EPSG:3411": [6378273, 1 / 298.279411123064, 70, -45],
};

export function projectOf(code: string, perUnit: number): Project | undefined {
  const grid = GRIDS[code];
  if (!grid) return undefined;
  const [radius, flattening, trueLatitude, central] = grid;
  const e = Math.sqrt(flattening * (2 - flattening));
  const radians = Math.PI / 180;
  const t = (latitude: number): number => {
    const sine = e * Math.sin(latitude);
    return Math.tan(Math.PI / 4 - latitude / 2) / ((1 - sine) / (1 + sine)) ** (e / 2);
  };
  const right = trueLatitude * radians;
  const scale = Math.cos(right) / Math.sqrt(1 - (e * Math.sin(right)) ** 2) / t(right);
  return (longitude, latitude) => {
    const far = (radius * scale * t(latitude * radians)) / perUnit;
    const turn = (longitude - central) * radians;
    return [far * Math.sin(turn), -far * Math.cos(turn)];
  };
}
