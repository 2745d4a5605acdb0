/**
 * The polar projections of the Arctic in closed form, both ways, accurate up to the pole.
 *
 * Snyder (1987), USGS Professional Paper 1395: polar stereographic, equations 15-9, 21-30 to 21-34; Lambert
 * azimuthal equal-area, equations 3-12 and 24-23 to 24-26. Both are written in the distance from the pole, so that no
 * digits are lost there. UTM, in which scenes of satellites come: Krüger's series in the third flattening to its fourth power
 * (Karney 2011, Journal of Geodesy 85, equations 7 to 36), good to a micrometre within 40° of the middle of a zone.
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

/** Northern UTM zones of WGS 84. */
const UTM = /^EPSG:326(0[1-9]|[1-5]\d|60)$/;
const N = WGS84[1] / (2 - WGS84[1]);
const E = Math.sqrt(WGS84[1] * (2 - WGS84[1]));
const AROUND = ((0.9996 * WGS84[0]) / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64);
const ALPHA = [
  N / 2 - (2 / 3) * N ** 2 + (5 / 16) * N ** 3 + (41 / 180) * N ** 4,
  (13 / 48) * N ** 2 - (3 / 5) * N ** 3 + (557 / 1440) * N ** 4,
  (61 / 240) * N ** 3 - (103 / 140) * N ** 4,
  (49561 / 161280) * N ** 4,
];
const BETA = [
  -(N / 2 - (2 / 3) * N ** 2 + (37 / 96) * N ** 3 - (1 / 360) * N ** 4),
  -((1 / 48) * N ** 2 + (1 / 15) * N ** 3 - (437 / 1440) * N ** 4),
  -((17 / 480) * N ** 3 - (37 / 840) * N ** 4),
  -((4397 / 161280) * N ** 4),
];

/** Adds a series of Krüger's to a place in the complex plane. */
function bent([xi, eta]: Position, series: readonly number[]): Position {
  const add = (one: (j: number) => number): number => series.reduce((sum, factor, at) => sum + factor * one(2 * at + 2), 0);
  return [
    xi + add((j) => Math.sin(j * xi) * Math.cosh(j * eta)),
    eta + add((j) => Math.cos(j * xi) * Math.sinh(j * eta)),
  ];
}

/** Tangent of the conformal latitude for that of the geographic one. */
function conformal(tau: number): number {
  const sigma = Math.sinh(E * Math.atanh((E * tau) / Math.hypot(1, tau)));
  return tau * Math.hypot(1, sigma) - sigma * Math.hypot(1, tau);
}

function geographic(wanted: number): number {
  let tau = wanted / (1 - E * E);
  for (let round = 0; round < ROUNDS; round += 1) {
    const now = conformal(tau);
    const slope = ((1 - E * E) * Math.hypot(1, now) * Math.hypot(1, tau)) / (1 + (1 - E * E) * tau * tau);
    const step = (wanted - now) / slope;
    tau += step;
    if (!(Math.abs(step) > 1e-15 * Math.abs(tau))) break;
  }
  return tau;
}

function utm(zone: number): Projection {
  const central = 6 * zone - 183;
  return {
    forward(longitude, latitude) {
      const turn = (longitude - central) * RADIANS;
      const tau = conformal(Math.tan(latitude * RADIANS));
      const plain: Position = [Math.atan2(tau, Math.cos(turn)), Math.asinh(Math.sin(turn) / Math.hypot(tau, Math.cos(turn)))];
      const [xi, eta] = bent(plain, ALPHA);
      return [500_000 + AROUND * eta, AROUND * xi];
    },
    inverse(x, y) {
      const [xi, eta] = bent([y / AROUND, (x - 500_000) / AROUND], BETA);
      const tau = geographic(Math.sin(xi) / Math.hypot(Math.sinh(eta), Math.cos(xi)));
      const longitude = Math.atan2(Math.sinh(eta), Math.cos(xi)) / RADIANS + central;
      return [((longitude + 540) % 360) - 180, Math.atan(tau) / RADIANS];
    },
  };
}

const made = new Map<string, Projection>();

/** The projection of a code; undefined where it is none of those above. */
export function projection(code: string): Projection | undefined {
  const known = made.get(code);
  if (known) return known;
  const zone = UTM.exec(code);
  if (zone) return utm(Number(zone[1]));
  const grid = Object.hasOwn(GRIDS, code) ? GRIDS[code] : undefined;
  if (!grid) return undefined;
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
