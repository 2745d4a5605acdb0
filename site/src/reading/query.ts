/** Questions to a variable – series, profile, map, subset – as parts of arrays to read, and the answer as a table. */

import { kept } from "../lib/kept";
import { inside, modulo, ROUNDING, type Box } from "./box";
import { timeReader } from "./cf";
import { MOST_VALUES, type Block, type Dataset, type Selection, type Variable } from "./dataset";
import { located, positionsOf, type Located } from "./located";
import type { Frame } from "./polar";
import type { Cost } from "./ranges";
import { rolesOf, type Place, type Roles } from "./roles";
import { ReadError } from "./trouble";

export type Kind = "series" | "profile" | "map" | "subset";

/** What is asked; depths in the unit of the file, times in milliseconds since 1970. */
export interface Question {
  kind: Kind;
  variable: string;
  point?: [longitude: number, latitude: number];
  box?: Box;
  depth?: [from: number, to: number];
  time?: [from: number, to: number];
}

export interface Axis {
  name: string;
  dim: string;
  unit: string;
  values: Float64Array;
  /** Whether the values are milliseconds since 1970. */
  times: boolean;
  /** Of depths and heights alone: whether larger values lie higher. */
  up?: boolean;
}

/** What will be read. `indices` are the chosen positions by dimension, for code that does the same. */
export interface Plan {
  question: Question;
  variable: Variable;
  axes: Axis[];
  selection: Selection;
  /** Of dimensions of which not all that is read was asked for: the indices that were. */
  among: Readonly<Record<string, readonly number[]>>;
  /** Of subsets of grids whose positions do not follow rows and columns: the cells that are read. */
  cells?: Located;
  cost: Cost;
  /** Distance of the chosen place from the point asked for, kilometres. */
  away?: number;
  place?: [longitude: number, latitude: number];
}

export interface Column {
  name: string;
  unit: string;
  values: ArrayLike<number>;
  times: boolean;
}

/** The answer: one row a value, axes first, the variable last. */
export interface Table {
  plan: Plan;
  columns: Column[];
  block: Block;
}

const EARTH_KM = 6371.0088;

/** What can be asked of a variable. */
export function kindsOf(roles: Roles, variable: Variable): Kind[] {
  const { time, depth, place } = roles;
  const found: Kind[] = [];
  if (time) found.push("series");
  if (depth) found.push("profile");
  if (place && place.kind !== "points" && place.kind !== "one") found.push("map");
  return variable.shape.length > 0 ? [...found, "subset"] : found;
}

export class Reader {
  private readonly axes = new Map<string, Promise<Float64Array>>();

  constructor(
    readonly dataset: Dataset,
    readonly frame?: Frame,
  ) {}

  roles(name: string): Roles {
    return rolesOf(this.dataset, this.dataset.variable(name));
  }

  /** Values of a coordinate, read once. */
  coordinate(name: string): Promise<Float64Array> {
    return kept(this.axes, name, async () => (await this.dataset.measured(name)).values);
  }

  async times(roles: Roles): Promise<Axis | undefined> {
    if (!roles.time) return undefined;
    const { dim, variable } = roles.time;
    const raw = await this.coordinate(variable);
    const reader = timeReader(this.dataset.variable(variable).attributes);
    const unit = reader ? "UTC" : this.unit(variable);
    return { name: variable, dim, unit, values: reader ? raw.map(reader) : raw, times: reader !== undefined };
  }

  async depths(roles: Roles, variable: Variable): Promise<Axis | undefined> {
    if (!roles.depth) return undefined;
    const { dim, variable: name } = roles.depth;
    if (name) {
      const { positive, standard_name } = this.dataset.variable(name).attributes;
      const up = positive === "up" || /^(height|altitude)$/.test(String(standard_name ?? ""));
      return { name, dim, unit: this.unit(name), values: await this.coordinate(name), times: false, up };
    }
    const length = variable.shape[variable.dims.indexOf(dim)]!;
    return { name: dim, dim, unit: "", values: Float64Array.from({ length }, (_, index) => index), times: false, up: false };
  }

  unit(name: string): string {
    return String(this.dataset.variable(name).attributes.units ?? "");
  }

  /** Works out what to read, and what that costs; reads coordinates only. */
  async plan(question: Question): Promise<Plan> {
    const variable = this.dataset.variable(question.variable);
    const roles = this.roles(question.variable);
    const chosen: Record<string, [number, number]> = {};
    const all: Record<string, number[]> = {};
    const near = await this.choosePlace(question, roles, variable, chosen, all);
    const cells = question.kind === "subset" ? await located(this, roles.place, question.box) : undefined;
    if (cells) Object.assign(chosen, { [cells.y]: cells.rows, [cells.x]: cells.columns });
    const times = await this.times(roles);
    if (times && (!(times.dim in chosen) || times.dim in all)) narrow(chosen, all, times.dim, range(times.values, question.time));
    const depths = await this.depths(roles, variable);
    if (depths && !(depths.dim in chosen)) narrow(chosen, all, depths.dim, range(depths.values, question.depth, ROUNDING));
    one(question.kind, times, depths, chosen);
    const axes = await this.along(variable, roles, [times, depths], chosen);
    const count = variable.shape.reduce((product, length, axis) => {
      const [first, stop] = chosen[variable.dims[axis]!] ?? [0, length];
      return product * (stop - first);
    }, 1);
    if (count === 0) throw new ReadError("empty", question.variable);
    if (count > MOST_VALUES) throw new ReadError("large", String(count));
    const cost = await this.dataset.cost([[variable.name, chosen]]);
    return { question, variable, axes, selection: chosen, among: gapped(all, chosen), ...(cells && { cells }), cost, ...near };
  }

  async read(plan: Plan): Promise<Table> {
    const block = await this.dataset.measured(plan.variable.name, plan.selection);
    const { values, shape, dims } = block;
    const along = (dim: string): ((row: number) => number) => {
      const index = dims.indexOf(dim);
      const step = shape.slice(index + 1).reduce((product, length) => product * length, 1);
      return (row) => Math.floor(row / step) % shape[index]!;
    };
    const columns = plan.axes.map((axis): Column => {
      const [own, place] = [axis.values, along(axis.dim)];
      const column = Float64Array.from(values, (_, row) => own[place(row)]!);
      return { name: axis.name, unit: axis.unit, values: column, times: axis.times };
    });
    const asked = Object.entries(plan.among).map(([dim, indices]) => {
      const [within, place, first] = [new Set(indices), along(dim), plan.selection[dim]![0]];
      return (row: number): boolean => within.has(place(row) + first);
    });
    if (plan.cells) {
      const positions = positionsOf(plan.cells, values.length, along);
      columns.push(...positions.columns);
      asked.push(positions.within);
    }
    const last = { name: plan.variable.name, unit: this.unit(plan.variable.name), values, times: false };
    const only = (column: Column): Column =>
      ({ ...column, values: Array.from(column.values).filter((_, row) => asked.every((is) => is(row))) });
    return { plan, columns: asked.length > 0 ? [...columns, last].map(only) : [...columns, last], block };
  }

  /** Axes of what is chosen, in the order of the variable's dimensions. */
  private async along(
    variable: Variable,
    roles: Roles,
    known: readonly (Axis | undefined)[],
    chosen: Selection,
  ): Promise<Axis[]> {
    const found: Axis[] = [];
    for (const [axis, dim] of variable.dims.entries()) {
      const [first, stop] = chosen[dim] ?? [0, variable.shape[axis]!];
      const named = this.positions(roles.place, dim);
      const own = known.filter((one): one is Axis => one?.dim === dim);
      for (const name of named)
        own.push({ name, dim, unit: this.unit(name), values: await this.coordinate(name), times: false });
      if (own.length === 0) {
        const values = this.dataset.variables.has(dim) && !this.dataset.textual(dim) ? await this.coordinate(dim) : undefined;
        const length = variable.shape[axis]!;
        own.push({ name: dim, dim, unit: "", values: values ?? Float64Array.from({ length }, (_, i) => i), times: false });
      }
      found.push(...own.map((one) => ({ ...one, values: one.values.slice(first, stop) })));
    }
    return found;
  }

  /** Coordinates of place that lie along one dimension. */
  private positions(place: Place | undefined, dim: string): string[] {
    if (place?.kind === "points" && place.dim === dim) return [place.longitude, place.latitude];
    if (place?.kind === "grid") return dim === place.x ? [place.longitude] : dim === place.y ? [place.latitude] : [];
    if (place?.kind === "projected") return dim === place.x ? [place.easting] : dim === place.y ? [place.northing] : [];
    return [];
  }

  /** Chooses the nearest place, or what lies in the box; says which place and how far it is. */
  private async choosePlace(
    question: Question,
    { place, time }: Roles,
    variable: Variable,
    chosen: Record<string, [number, number]>,
    all: Record<string, number[]>,
  ): Promise<Pick<Plan, "away" | "place">> {
    if (!place || place.kind === "one") return {};
    const wanted = question.kind === "series" || question.kind === "profile";
    const through = place.kind === "points" && question.kind === "series" && place.dim === time?.dim;
    if (wanted && !through) {
      if (!question.point) throw new ReadError("empty", "?");
      const casts = place.kind === "points" && place.dim === time?.dim ? await this.times({ time }) : undefined;
      return this.nearest(place, question.point, variable, chosen, casts && during(casts.values, question.time));
    }
    if (question.box) await this.within(place, question.box, chosen, all);
    return {};
  }

  private async nearest(
    place: Exclude<Place, { kind: "one" }>,
    point: [number, number],
    variable: Variable,
    chosen: Record<string, [number, number]>,
    may: (index: number) => boolean = () => true,
  ): Promise<Pick<Plan, "away" | "place">> {
    if (place.kind === "projected") {
      if (!this.frame) throw new ReadError("layout", place.easting);
      const [x, y] = this.frame.forward(...point);
      const [easting, northing] = [await this.coordinate(place.easting), await this.coordinate(place.northing)];
      const [i, j] = [least(easting, (value) => Math.abs(value - x)), least(northing, (value) => Math.abs(value - y))];
      pick(chosen, place.x, i);
      pick(chosen, place.y, j);
      return { away: Math.hypot(easting[i]! - x, northing[j]! - y) / 1000 };
    }
    const [longitudes, latitudes] = [await this.coordinate(place.longitude), await this.coordinate(place.latitude)];
    if (place.kind === "grid") {
      const i = least(longitudes, (value) => Math.abs(turn(value - point[0])));
      const j = least(latitudes, (value) => Math.abs(value - point[1]));
      pick(chosen, place.x, i);
      pick(chosen, place.y, j);
      return here(point, longitudes[i]!, latitudes[j]!);
    }
    const index = least(latitudes, (value, at) => (may(at) ? kilometres(point, [longitudes[at]!, value]) : NaN));
    if (index < 0) throw new ReadError("empty", variable.name);
    if (place.kind === "points") pick(chosen, place.dim, index);
    else {
      const columns = variable.shape[variable.dims.indexOf(place.x)]!;
      pick(chosen, place.x, index % columns);
      pick(chosen, place.y, Math.floor(index / columns));
    }
    return here(point, longitudes[index]!, latitudes[index]!);
  }

  /** Narrows dimensions to what lies in a box; a box with west > east goes across ±180°. */
  private async within(
    place: Exclude<Place, { kind: "one" }>,
    box: Box,
    chosen: Record<string, [number, number]>,
    all: Record<string, number[]>,
  ): Promise<void> {
    if (place.kind === "projected" || place.kind === "cells") return;
    const { wide, high } = inside(box);
    const [longitudes, latitudes] = [await this.coordinate(place.longitude), await this.coordinate(place.latitude)];
    if (place.kind === "grid") {
      narrow(chosen, all, place.x, indices(longitudes, wide));
      narrow(chosen, all, place.y, indices(latitudes, high));
    } else narrow(chosen, all, place.dim, indices(latitudes, (value, at) => high(value) && wide(longitudes[at]!)));
  }
}

/** A series wants one depth, a profile one time, a map one of each: the first of what was asked for. */
function one(
  kind: Kind,
  times: Axis | undefined,
  depths: Axis | undefined,
  chosen: Record<string, [number, number]>,
): void {
  const single = kind === "series" ? [depths] : kind === "profile" ? [times] : kind === "map" ? [times, depths] : [];
  for (const axis of single) if (axis && chosen[axis.dim]) pick(chosen, axis.dim, chosen[axis.dim]![0]);
}

function pick(chosen: Record<string, [number, number]>, dim: string, index: number): void {
  chosen[dim] = [index, index + 1];
}

/** Reads from the first to the last of some indices that were chosen before, of which `all` keeps which they are. */
function narrow(chosen: Record<string, [number, number]>, all: Record<string, number[]>, dim: string, some: number[]): void {
  const before = all[dim] && new Set(all[dim]);
  const found = before ? some.filter((index) => before.has(index)) : some;
  chosen[dim] = [found[0] ?? 0, (found.at(-1) ?? -1) + 1];
  all[dim] = found;
}

/** Dimensions along which others lie between the indices asked for. */
function gapped(all: Readonly<Record<string, number[]>>, chosen: Selection): Record<string, number[]> {
  const within = Object.entries(all).map(([dim, found]): [string, number[]] => {
    const [first, stop] = chosen[dim]!;
    return [dim, found.filter((index) => index >= first && index < stop)];
  });
  return Object.fromEntries(within.filter(([dim, found]) => found.length < chosen[dim]![1] - chosen[dim]![0]));
}

/** Indices whose values lie in the range, rounded by a part of it; the nearest to a single value; all without a range. */
function range(values: Float64Array, asked: [number, number] | undefined, rounding = 0): number[] {
  if (!asked) return indices(values, () => true);
  if (asked[0] === asked[1]) {
    const index = least(values, (value) => Math.abs(value - asked[0]));
    return index < 0 ? [] : [index];
  }
  const reach = (end: number): number => (Number.isFinite(end) ? rounding * Math.abs(end) : 0);
  const [from, to] = [asked[0] - reach(asked[0]), asked[1] + reach(asked[1])];
  return indices(values, (value) => value >= from && value <= to);
}

/** Tells which casts were made in a span of time; any without one. */
function during(times: Float64Array, asked: [number, number] | undefined): (index: number) => boolean {
  return (index) => !asked || (times[index]! >= asked[0] && times[index]! <= asked[1]);
}

function indices(values: ArrayLike<number>, is: (value: number, index: number) => boolean): number[] {
  return Array.from(values, (_, index) => index).filter((index) => is(values[index]!, index));
}

function least(values: ArrayLike<number>, measure: (value: number, index: number) => number): number {
  let [found, smallest] = [-1, Infinity];
  for (let index = 0; index < values.length; index += 1) {
    const far = measure(values[index]!, index);
    if (far < smallest) [found, smallest] = [index, far];
  }
  return found;
}

function here(point: [number, number], longitude: number, latitude: number): Pick<Plan, "away" | "place"> {
  return { away: kilometres(point, [longitude, latitude]), place: [turn(longitude), latitude] };
}

const turn = (degrees: number): number => modulo(degrees + 180) - 180;

/** Great-circle distance on a sphere (haversine), kilometres. */
export function kilometres(from: readonly [number, number], to: readonly [number, number]): number {
  const radians = Math.PI / 180;
  const [high, wide] = [(to[1] - from[1]) * radians, (to[0] - from[0]) * radians];
  const half = Math.sin(high / 2) ** 2 + Math.cos(from[1] * radians) * Math.cos(to[1] * radians) * Math.sin(wide / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(half)));
}
