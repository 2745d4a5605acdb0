/** What bounds say of blocks, and which boxes meet; `builder/index/blocks.py` does the same. */

import { DEGREE, type Asked, type Box } from "./asked";

const CIRCLE = 360 * DEGREE;
const TENTH = DEGREE / 10;
const DAY = 86400;

export type Verdict = "none" | "some" | "all";

/** Tells of a block, by its bounds, whether none, all or perhaps some of its rows are where and when it is asked. */
export function judged(bounds: readonly number[], { box, period }: Asked): Verdict {
  const [west, width, south, height, spread, low, coreWest, coreWidth, unplaced, start, later, ends, last] =
    bounds as [number, number, number, number, number, number, number, number, number, number, number, number, number];
  let all = true;
  if (box) {
    if (!meets([west * TENTH, south * TENTH, width * TENTH, height * TENTH], box)) return "none";
    const along = turn(west * TENTH - box[0]) + width * TENTH <= box[2] || box[2] >= CIRCLE;
    const core = coreWidth >= 0 && alongside(coreWest * TENTH, coreWidth * TENTH, box);
    all = (along || core) && unplaced === 0 && (south + spread) * TENTH <= box[3] && (south + low) * TENTH >= box[1];
  }
  if (period) {
    if (start * DAY > period[1] || (start + ends + last) * DAY < period[0]) return "none";
    all = all && (start + later) * DAY <= period[1] && (start + ends) * DAY >= period[0];
  }
  return all ? "all" : "some";
}

const turn = (degrees: number): number => ((degrees % CIRCLE) + CIRCLE) % CIRCLE;

function alongside(west: number, width: number, [qWest, , qWidth]: Box): boolean {
  return turn(qWest - west) <= width || turn(west - qWest) <= qWidth || width >= CIRCLE || qWidth >= CIRCLE;
}

/** Tells whether a box of west, south, width and height shares a place with a query; a pole is one place. */
export function meets([west, south, width, height]: readonly number[], query: Box): boolean {
  const [, qSouth, , qNorth] = query;
  const north = south! + height!;
  const along =
    alongside(west!, width!, query) ||
    (qNorth === 90 * DEGREE && north === qNorth) || (qSouth === -90 * DEGREE && south === qSouth);
  return along && width! >= 0 && south! <= qNorth && north >= qSouth;
}
