/** The box in degrees that covers a rectangle on a polar map; exact, for the pole lies in the middle of the plane. */

import type { Projection } from "../lib/projections";

/** Shares of a degree to which the sides are rounded, outwards. */
const SHARES = 100;

/** West, south, east and north; west is greater than east across ±180°, and a box round the pole goes all around. */
export function covering([left, bottom, right, top]: readonly number[], map: Projection): [number, number, number, number] {
  const within = (least: number, most: number): number => Math.min(most, Math.max(least, 0));
  const nearest = [within(left!, right!), within(bottom!, top!)] as const;
  const corners = [[left, bottom], [left, top], [right, bottom], [right, top]].map(([x, y]) => map.inverse(x!, y!));
  const south = down(Math.min(...corners.map(([, latitude]) => latitude)));
  const north = Math.min(90, up(map.inverse(...nearest)[1]));
  if (nearest[0] === 0 && nearest[1] === 0) return [-180, south, 180, 90];
  const [middle] = map.inverse((left! + right!) / 2, (bottom! + top!) / 2);
  const away = corners.map(([longitude]) => turned(longitude - middle));
  return [turned(down(middle + Math.min(...away))), south, turned(up(middle + Math.max(...away))), north];
}

const down = (degrees: number): number => Math.floor(degrees * SHARES) / SHARES;
const up = (degrees: number): number => Math.ceil(degrees * SHARES) / SHARES;
/** The same direction between -180 and 180 degrees. */
const turned = (degrees: number): number => (degrees > 180 ? degrees - 360 : degrees < -180 ? degrees + 360 : degrees);
