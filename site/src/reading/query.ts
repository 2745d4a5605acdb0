/** Questions to a variable – series, profile, map, subset – as parts of arrays to read, and the answer as a table. */

import { kept } from "../lib/kept";
import { projection, type Projection } from "../lib/projections";
import type { Box } from "./box";
import { timeReader } from "./cf";
import { Choice, nearestTo, ROUNDING, within } from "./choice";
import { MOST_VALUES, type Block, type Dataset, type Selection, type Variable } from "./dataset";
import { located, positionsOf, type Located } from "./located";
import { inBox, nearest, type Coordinates, type Near } from "./nearby";
import type { Cost } from "./ranges";
import { axisOf, rolesOf, type Place, type Roles } from "./roles";
import { ReadError } from "./trouble";

/** More than this is not read in the page at once, nor of one coordinate. */
export const MOST_BYTES = 5_000_000;

export type Kind = "series" | "profile" | "map" | "subset";

/** What is asked; depths in the unit of the file, times in milliseconds since 1970 or, of calendars of models, as in the file. */
export interface Question {
  kind: Kind;
  variable: string;
  point?: [longitude: number, latitude: number];
  box?: Box;
  depth?: [from: number, to: number];
  time?: [from: number, to: number];
  /** Whether the times asked for can only be dates, which calendars of models have none of. */
  dates?: boolean;
}

export interface Axis {
  name: string;
  dim: string;
  unit: string;
  values: Float64Array;
  /** Whether the values are milliseconds since 1970. */
  times: boolean;
  /** What it counts, if not places; times of model calendars are numbers. */
  of?: "time" | "depth";
  /** Of depths and heights alone: whether larger values lie higher. */
  up?: boolean;
}

/** What will be read. */
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
  /** Dimensions that count rows and columns of a grid. */
  across?: [rows: string, columns: string];
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

/** What can be asked of a variable. */
export function kindsOf(roles: Roles, variable: Variable): Kind[] {
  const { time, depth, place } = roles;
  const found: Kind[] = [];
  if (time) found.push("series");
  if (depth) found.push("profile");
  if (place && place.kind !== "points" && place.kind !== "one") found.push("map");
  return variable.shape.length > 0 ? [...found, "subset"] : found;
}

export class Reader implements Coordinates {
  private readonly axes = new Map<string, Promise<Float64Array>>();

  /** @param crs Code of the reference system of a grid without longitudes and latitudes. */
  constructor(
    readonly dataset: Dataset,
    readonly crs = "",
  ) {}

  get projection(): Projection | undefined {
    return projection(this.crs);
  }

  roles(name: string): Roles {
    return rolesOf(this.dataset, this.dataset.variable(name));
  }

  /** Values of a coordinate, read once; one that is too large is not read at all. */
  coordinate(name: string): Promise<Float64Array> {
    return kept(this.axes, name, async () => {
      const { bytes } = await this.dataset.cost([[name, {}]]);
      if (bytes > MOST_BYTES) throw new ReadError("heavy", name);
      return (await this.dataset.measured(name)).values;
    });
  }

  async times(roles: Roles): Promise<Axis | undefined> {
    if (!roles.time) return undefined;
    const { dim, variable } = roles.time;
    const raw = await this.coordinate(variable);
    const reader = timeReader(this.dataset.variable(variable).attributes);
    const unit = reader ? "UTC" : this.unit(variable);
    return { name: variable, dim, unit, values: reader ? raw.map(reader) : raw, times: reader !== undefined, of: "time" };
  }

  async depths(roles: Roles, variable: Variable): Promise<Axis | undefined> {
    if (!roles.depth) return undefined;
    const { dim, variable: name } = roles.depth;
    if (name) {
      const { positive, standard_name } = this.dataset.variable(name).attributes;
      const up = positive === "up" || /^(height|altitude)$/.test(String(standard_name ?? ""));
      return { name, dim, unit: this.unit(name), values: await this.coordinate(name), times: false, of: "depth", up };
    }
    const values = Float64Array.from({ length: variable.shape[variable.dims.indexOf(dim)]! }, (_, index) => index);
    return { name: dim, dim, unit: "", values, times: false, of: "depth", up: false };
  }

  unit(name: string): string {
    return String(this.dataset.variable(name).attributes.units ?? "");
  }

  /** Works out what to read, and what that costs; reads coordinates only. */
  async plan(question: Question): Promise<Plan> {
    const variable = this.dataset.variable(question.variable);
    const roles = this.roles(question.variable);
    const choice = new Choice();
    const near = await this.choosePlace(question, roles, variable, choice);
    const cells = question.kind === "subset" ? await located(this, roles.place, question.box) : undefined;
    if (cells) for (const [dim, span] of [[cells.y, cells.rows], [cells.x, cells.columns]] as const) choice.keep(dim, between(span));
    const [times, depths] = [await this.times(roles), await this.depths(roles, variable)];
    if (times && !times.times && question.dates && question.time) throw new ReadError("calendar", times.unit);
    // A series wants one depth, a profile one time, a map one of each: the nearest, or the first of what was asked for.
    const { kind } = question;
    for (const [axis, asked, kinds, rounding] of [
      [times, question.time, ["profile", "map"], 0],
      [depths, question.depth, ["series", "map"], ROUNDING],
    ] as const) {
      if (!axis) continue;
      const single = (kinds as readonly Kind[]).includes(kind);
      choice.keep(axis.dim, (single ? nearestTo : within)(axis.values, asked, rounding));
      if (single) choice.first(axis.dim);
    }
    const { selection, among } = choice;
    const axes = await this.along(variable, roles, [times, depths], selection);
    const count = variable.shape.reduce((product, length, axis) => {
      const [first, stop] = selection[variable.dims[axis]!] ?? [0, length];
      return product * (stop - first);
    }, 1);
    if (count === 0) throw new ReadError("empty", question.variable);
    if (count > MOST_VALUES) throw new ReadError("large", String(count));
    const cost = await this.dataset.cost([[variable.name, selection]]);
    const { place } = roles;
    const across = place && "x" in place ? { across: [place.y, place.x] as [string, string] } : {};
    return { question, variable, axes, selection, among, ...(cells && { cells }), cost, ...near, ...across };
  }

  async read(plan: Plan): Promise<Table> {
    const block = await this.dataset.measured(plan.variable.name, plan.selection);
    const { values, shape, dims } = block;
    const along = (dim: string): ((row: number) => number) => {
      const index = dims.indexOf(dim);
      const step = shape.slice(index + 1).reduce((product, length) => product * length, 1);
      return (row) => Math.floor(row / step) % shape[index]!;
    };
    /** Which index in the file a row has. */
    const of = (dim: string): ((row: number) => number) => {
      const [place, first] = [along(dim), plan.selection[dim]?.[0] ?? 0];
      return (row) => place(row) + first;
    };
    const columns = plan.axes.map((axis): Column => {
      const [own, place] = [axis.values, along(axis.dim)];
      const column = Float64Array.from(values, (_, row) => own[place(row)]!);
      return { name: axis.name, unit: axis.unit, values: column, times: axis.times };
    });
    const asked = Object.entries(plan.among).map(([dim, indices]) => {
      const [within, index] = [new Set(indices), of(dim)];
      return (row: number): boolean => within.has(index(row));
    });
    if (plan.cells) {
      const positions = positionsOf(plan.cells, values.length, of);
      columns.push(...positions.columns);
      if (plan.question.box) asked.push(positions.within);
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
        const name = axisOf(this.dataset, variable, dim);
        const values = name && !this.dataset.textual(name) ? await this.coordinate(name) : undefined;
        const length = variable.shape[axis]!;
        const unit = name && values ? this.unit(name) : "";
        own.push({ name: dim, dim, unit, values: values ?? Float64Array.from({ length }, (_, i) => i), times: false });
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
  private async choosePlace(question: Question, { place, time }: Roles, variable: Variable, choice: Choice): Promise<Near | undefined> {
    if (!place || place.kind === "one") return undefined;
    const { kind, point, box } = question;
    if (kind === "map" || kind === "subset") {
      if (box) await inBox(this, place, box, choice);
      return undefined;
    }
    const casts = place.kind === "points" && place.dim === time?.dim;
    if (casts && kind === "series") return undefined;
    if (!point) throw new ReadError("empty", "?");
    const among = casts && new Set(within((await this.times({ time }))!.values, question.time));
    return nearest(this, place, point, variable, choice, among ? (index) => among.has(index) : undefined);
  }
}

const between = ([first, stop]: readonly [number, number]): number[] => Array.from({ length: stop - first }, (_, step) => first + step);
