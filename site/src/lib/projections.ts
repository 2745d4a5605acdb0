/**
 * The polar projections of the Arctic in closed form, both ways, accurate up to the pole.
 *
 * Snyder (1987), USGS Professional Paper 1395: polar stereographic, equations 15-9, 21-30 to 21-34; Lambert
 * azimuthal equal-area, equations 3-12 and 24-23 to 24-26. Both are written in the distance from the pole, so that no
 * digits are lost there.
 */

export type Position = [number, number];

export interface Projection {
  /** Metres from degrees east and north. */
  forward(longitude: number, latitude: number): Position;
  /** Degrees east (-180 to 180) and north from metres. */
  inverse(x: number, y: number): Position;
}

/** Kind, radius, flattening, true latitude (of stereographic ones) and central longitude (EPSG registry). */
type Grid = readonly ["stereographic" | "equal-area", number, number, number, number];

const WGS84 = [6378137, 1 / 298.257223563] as const;
const GRIDS: Readonly<Record<string, Grid>> = {
  "EPSG:3413": ["stereographic", ...WGS84, 70, -45],
  "EPSG:3995": ["stereographic", ...WGS84, 71, 0],
  "EPSG:6931": ["equal-area", ...WGS84, 90, 0],
  "EPSG:3575": ["equal-area", ...WGS84, 90, 10],
  "EPSG:3411": ["stereographic", 6378273, 1 / 298.279411123064, 70, -45],
};

/** The projections a map is offered in, the usual one first. */
export const CHOICES = ["EPSG:3413", "EPSG:3995", "EPSG:6931", "EPSG:3575"] as const;

const RADIANS = Math.PI / 180;
const ROUNDS = 12;

/** Radius of a parallel for a distance from the pole (radians), and back. */
interface Radius {
  of(colatitude: number): number;
  back(radius: number): number;
}

function stereographic(radius: number, e: number, trueLatitude: number): Radius {
  const squeeze = (sine: number): number => ((1 + e * sine) / (1 - e * sine)) ** (e / 2);
  const t = (colatitude: number): number => Math.tan(colatitude / 2) * squeeze(Math.cos(colatitude));
  const right = trueLatitude * RADIANS;
  const parallel = Math.cos(right) / Math.sqrt(1 - (e * Math.sin(right)) ** 2);
  const scale = (radius * parallel) / t(Math.PI / 2 - right);
  return {
    of: (colatitude) => scale * t(colatitude),
    back(far) {
      const goal = far / scale;
      let colatitude = 2 * Math.atan(goal);
      for (let round = 0; round < ROUNDS; round += 1) {
        const next = 2 * Math.atan(goal / squeeze(Math.cos(colatitude)));
        const done = Math.abs(next - colatitude) < 1e-15;
        colatitude = next;
        if (done) break;
      }
      return colatitude;
    },
  };
}

function equalArea(radius: number, e: number): Radius {
  const e2 = e * e;
  // q(pole) - q, from c = 1 - sin(latitude)
  const fall = (c: number): number =>
    (c * (1 + e2 * (1 - c))) / (1 - e2 * (1 - c) ** 2) + ((1 - e2) * Math.atanh((e * c) / (1 - e2 * (1 - c)))) / e;
  const slope = (c: number): number => (2 * (1 - e2)) / (1 - e2 * (1 - c) ** 2) ** 2;
  return {
    of: (colatitude) => radius * Math.sqrt(fall(2 * Math.sin(colatitude / 2) ** 2)),
    back(far) {
      const goal = (far / radius) ** 2;
      let c = goal / 2;
      for (let round = 0; round < ROUNDS; round += 1) {
        const step = (fall(c) - goal) / slope(c);
        c -= step;
        if (Math.abs(step) <= 1e-16 * c) break;
      }
      return 2 * Math.asin(Math.sqrt(Math.min(1, Math.max(0, c / 2))));
    },
  };
}

const made = new Map<string, Projection>();

/** The projection of a code; undefined where it is none of those above. */
export function projection(code: string): Projection | undefined {
  const grid = GRIDS[code];
  if (!grid) return undefined;
  const known = made.get(code);
  if (known) return known;
  const [kind, radius, flattening, trueLatitude, central] = grid;
  const e = Math.sqrt(flattening * (2 - flattening));
  const parallel = kind === "stereographic" ? stereographic(radius, e, trueLatitude) : equalArea(radius, e);
  const one: Projection = {
    forward(longitude, latitude) {
      const far = parallel.of((90 - latitude) * RADIANS);
      const turn = (longitude - central) * RADIANS;
      return [far * Math.sin(turn), -far * Math.cos(turn)];
    },
    inverse(x, y) {
      const longitude = x === 0 && y === 0 ? central : Math.atan2(x, -y) / RADIANS + central;
      const wrapped = longitude > 180 ? longitude - 360 : longitude <= -180 ? longitude + 360 : longitude;
      return [wrapped, 90 - parallel.back(Math.hypot(x, y)) / RADIANS];
    },
  };
  made.set(code, one);
  return one;
}
