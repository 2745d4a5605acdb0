/** Chooses places: the nearest to a point, or those in a box. */

import type { Projection } from "../lib/projections";
import { inside, modulo, type Box } from "./box";
import { indices, least, type Choice } from "./choice";
import type { Variable } from "./dataset";
import type { Place } from "./roles";
import { ReadError } from "./trouble";

const EARTH_KM = 6371.0088;

/** Cells to each side of the nearest by eastings and northings, or from the rim inward, that may be nearest on the globe. */
const AROUND = 2;

/** A length in metres or kilometres, such as `km` or `100 km`. */
const LENGTH = /^([\d.]+ ?)?(k|kilo)?m(?:et(?:er|re)s?)?$/i;

/** What is known of coordinates. */
export interface Coordinates {
  /** Values of one, read once. */
  coordinate(name: string): Promise<Float64Array>;
  unit(name: string): string;
  /** The projection of a grid without longitudes and latitudes. */
  readonly projection: Projection | undefined;
}

/** A chosen place, and its distance from the point asked for in kilometres. */
export interface Near {
  away: number;
  place: [longitude: number, latitude: number];
}

type Spread = Exclude<Place, { kind: "one" }>;
type Point = readonly [longitude: number, latitude: number];

/** Picks the nearest place, among those along one dimension that may be it. */
export async function nearest(
  known: Coordinates,
  place: Spread,
  point: Point,
  variable: Variable,
  choice: Choice,
  may: (index: number) => boolean = () => true,
): Promise<Near> {
  const pick = (dim: string, index: number): void => {
    if (index < 0) throw new ReadError("empty", variable.name);
    choice.pick(dim, index);
  };
  if (place.kind === "projected") {
    if (!known.projection) throw new ReadError("layout", place.easting);
    const { projection } = known;
    const [easting, northing] = [await metres(known, place.easting), await metres(known, place.northing)];
    const [i, j] = nearestCell(easting, northing, projection, point);
    pick(place.x, i);
    pick(place.y, j);
    return here(point, ...projection.inverse(easting[i]!, northing[j]!));
  }
  const [longitudes, latitudes] = [await known.coordinate(place.longitude), await known.coordinate(place.latitude)];
  if (place.kind === "grid") {
    const i = least(longitudes, (value) => Math.abs(turn(value - point[0])));
    const j = least(latitudes, (value) => kilometres(point, [longitudes[i]!, value]));
    pick(place.x, i);
    pick(place.y, j);
    return here(point, longitudes[i]!, latitudes[j]!);
  }
  const index = least(latitudes, (value, at) => (may(at) ? kilometres(point, [longitudes[at]!, value]) : NaN));
  if (place.kind === "points") pick(place.dim, index);
  else {
    const columns = variable.shape[variable.dims.indexOf(place.x)]!;
    pick(place.x, index % columns);
    pick(place.y, Math.floor(index / columns));
  }
  return here(point, longitudes[index]!, latitudes[index]!);
}

/** Column and row of the nearest cell of a projected grid: of those round the point, or at the rim where it lies outside. */
function nearestCell(easting: Float64Array, northing: Float64Array, projection: Projection, point: Point): [i: number, j: number] {
  const [x, y] = projection.forward(...point);
  let [found, smallest]: [[number, number], number] = [[-1, -1], Infinity];
  const measure = (i: number, j: number): void => {
    const far = kilometres(point, projection.inverse(easting[i]!, northing[j]!));
    if (far < smallest) [found, smallest] = [[i, j], far];
  };
  if (covers(easting, x) && covers(northing, y)) {
    for (const j of around(northing, y)) for (const i of around(easting, x)) measure(i, j);
    return found;
  }
  for (const j of northing.keys()) for (const i of rim(easting)) measure(i, j);
  for (const j of rim(northing)) for (const i of easting.keys()) measure(i, j);
  return found;
}

/** Whether a value lies between the least and the greatest of an axis. */
function covers(values: Float64Array, at: number): boolean {
  const known = values.filter(Number.isFinite);
  return at >= known.reduce((one, other) => Math.min(one, other), Infinity) && at <= known.reduce((one, other) => Math.max(one, other), -Infinity);
}

const rim = (values: Float64Array): number[] => indices(values, (_, index) => index <= AROUND || index >= values.length - 1 - AROUND);

function around(values: Float64Array, at: number): number[] {
  const middle = least(values, (value) => Math.abs(value - at));
  return indices(values, (_, index) => Math.abs(index - middle) <= AROUND);
}

/** Keeps what lies in a box; a box with west > east goes across ±180°. */
export async function inBox(
  known: Coordinates,
  place: Spread,
  box: Box,
  choice: Choice,
): Promise<void> {
  if (place.kind !== "grid" && place.kind !== "points") return;
  const { wide, high } = inside(box);
  const [longitudes, latitudes] = [await known.coordinate(place.longitude), await known.coordinate(place.latitude)];
  if (place.kind === "grid") {
    choice.keep(place.x, indices(longitudes, wide));
    choice.keep(place.y, indices(latitudes, high));
  } else choice.keep(place.dim, indices(latitudes, (value, at) => high(value) && wide(longitudes[at]!)));
}

/** A projected coordinate in metres. */
export async function metres(known: Coordinates, name: string): Promise<Float64Array> {
  const [, count, kilo] = LENGTH.exec(known.unit(name).trim()) ?? [];
  const scale = Number(count ?? 1) * (kilo ? 1000 : 1);
  return (await known.coordinate(name)).map((value) => value * scale);
}

function here(point: Point, longitude: number, latitude: number): Near {
  return { away: kilometres(point, [longitude, latitude]), place: [turn(longitude), latitude] };
}

const turn = (degrees: number): number => modulo(degrees + 180) - 180;

/** Great-circle distance on a sphere (haversine), kilometres. */
export function kilometres(from: Point, to: Point): number {
  const radians = Math.PI / 180;
  const [high, wide] = [(to[1] - from[1]) * radians, (to[0] - from[0]) * radians];
  const half = Math.sin(high / 2) ** 2 + Math.cos(from[1] * radians) * Math.cos(to[1] * radians) * Math.sin(wide / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(half)));
}
