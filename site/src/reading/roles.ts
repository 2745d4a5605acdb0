/** What the dimensions of a variable mean, by the CF conventions and, where files do not keep them, by names. */

import type { Dataset, Variable } from "./dataset";

/** Coordinates of one variable: names of other variables. */
export interface Roles {
  /** Dimension of time and the variable that holds the times. */
  time?: { dim: string; variable: string };
  /** Dimension of depth, height or pressure; the variable is missing where the index itself counts. */
  depth?: { dim: string; variable?: string };
  place?: Place;
}

/** How positions are given: along one dimension, by rows and columns, for each cell, or once for all. */
export type Place =
  | { kind: "points"; dim: string; longitude: string; latitude: string }
  | { kind: "grid"; x: string; y: string; longitude: string; latitude: string }
  | { kind: "cells"; x: string; y: string; longitude: string; latitude: string }
  | { kind: "projected"; x: string; y: string; easting: string; northing: string }
  | { kind: "one"; longitude: string; latitude: string };

/** The group of a name of a file with groups, with a slash at its end, and the name within it. */
const folder = (name: string): string => name.slice(0, name.lastIndexOf("/") + 1);
const within = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

const word = (variable: Variable, name: string): string => String(variable.attributes[name] ?? "").toLowerCase();

export function isTime(one: Variable): boolean {
  return / since /.test(word(one, "units")) || word(one, "standard_name") === "time";
}

export function isLatitude(one: Variable): boolean {
  return word(one, "standard_name") === "latitude" || /^degrees?_?n(orth)?$/.test(word(one, "units"));
}

export function isLongitude(one: Variable): boolean {
  return word(one, "standard_name") === "longitude" || /^degrees?_?e(ast)?$/.test(word(one, "units"));
}

export function isDepth(one: Variable): boolean {
  const named = /^(depth|height|altitude|air_pressure|sea_water_pressure.*|model_level_number)$/;
  return (
    ["up", "down"].includes(word(one, "positive")) || word(one, "axis") === "z" || named.test(word(one, "standard_name"))
  );
}

const DEPTH_NAME = /^(depths?|z|height|alt(itude)?|lev(el)?s?|plev|pres(sure)?)$/i;

/** Variables that hold numbers to look at, not coordinates, bounds or flags of other variables. */
export function measured(dataset: Dataset): Variable[] {
  const all = [...dataset.variables.values()];
  const bounds = new Set(all.flatMap((one) => [one.attributes.bounds, one.attributes.grid_mapping].map(String)));
  const found = all.filter(
    (one) =>
      one.shape.length > 0 &&
      !one.dims.includes(within(one.name)) &&
      !bounds.has(within(one.name)) &&
      !dataset.textual(one.name) &&
      ![isTime, isLatitude, isLongitude].some((is) => is(one)) &&
      !/_(qc|flag|flags|status_flag)$/i.test(one.name) &&
      !(isDepth(one) && one.shape.length === 1),
  );
  return found.sort((a, b) => Number(isDepth(a)) - Number(isDepth(b)));
}

export function rolesOf(dataset: Dataset, variable: Variable): Roles {
  const near = coordinates(dataset, variable);
  const found: Roles = {};
  const time = near.find((one) => isTime(one) && one.shape.length === 1);
  if (time) found.time = { dim: time.dims[0]!, variable: time.name };
  const place = placeOf(near, variable);
  if (place) found.place = place;
  const taken = new Set([found.time?.dim, ...(place ? dimsOf(place) : [])]);
  const depth = near.find((one) => isDepth(one) && one.shape.length === 1 && !taken.has(one.dims[0]));
  const named = variable.dims.find((dim) => DEPTH_NAME.test(dim) && !taken.has(dim));
  if (depth) found.depth = { dim: depth.dims[0]!, variable: depth.name };
  else if (named) {
    const axis = axisOf(dataset, variable, named);
    found.depth = { dim: named, ...(axis && { variable: axis }) };
  }
  return found;
}

/** The coordinate of a dimension of a variable, in its group or the nearest around it; none of another length. */
export function axisOf(dataset: Dataset, variable: Variable, dim: string): string | undefined {
  const length = variable.shape[variable.dims.indexOf(dim)];
  for (let group = folder(variable.name); ; group = folder(group.slice(0, -1))) {
    const one = dataset.variables.get(group + dim);
    if (one?.shape.length === 1 && one.dims[0] === dim && one.shape[0] === length) return one.name;
    if (!group) return undefined;
  }
}

function dimsOf(place: Place): string[] {
  if (place.kind === "one") return [];
  return place.kind === "points" ? [place.dim] : [place.x, place.y];
}

/** Variables that may be coordinates: named by the variable, or lying along its dimensions; the nearest group's first. */
function coordinates(dataset: Dataset, variable: Variable): Variable[] {
  const said = String(variable.attributes.coordinates ?? "").split(/\s+/).map(within);
  const group = folder(variable.name);
  const [inner, around] = [[], []] as [Variable[], Variable[]];
  for (const one of dataset.variables.values())
    if (one.name.startsWith(group)) inner.push(one);
    else if (group.startsWith(folder(one.name))) around.push(one);
  around.sort((a, b) => folder(b.name).length - folder(a.name).length);
  const own = [...inner, ...around];
  const along = (one: Variable): boolean => one.dims.every((dim, axis) => variable.shape[variable.dims.indexOf(dim)] === one.shape[axis]);
  const all = [...own, ...paired(own)].filter((one) => one !== variable && along(one));
  const rank = (one: Variable): number => (said.includes(within(one.name)) ? 0 : 2) + (one.shape.length > 0 ? 0 : 1);
  return all.sort((a, b) => rank(a) - rank(b));
}

/**
 * Latitudes and longitudes that have a dimension each, one position for each time, on the dimension of time.
 *
 * OceanSITES, Copernicus and the yearly files of IMR are written so; no variable has both dimensions.
 */
function paired(all: readonly Variable[]): Variable[] {
  const own = (one: Variable): boolean => one.shape.length === 1;
  const [latitude, longitude] = [all.find((one) => own(one) && isLatitude(one)), all.find((one) => own(one) && isLongitude(one))];
  if (!latitude || !longitude || latitude.shape[0] !== longitude.shape[0]) return [];
  const [y, x] = [latitude.dims[0]!, longitude.dims[0]!];
  const time = all.find((one) => own(one) && isTime(one) && one.shape[0] === latitude.shape[0]);
  if (y === x || !time || all.some((one) => one.dims.includes(y) && one.dims.includes(x))) return [];
  return [latitude, longitude].map((one) => ({ ...one, dims: [...time.dims] }));
}

function placeOf(near: Variable[], variable: Variable): Place | undefined {
  const latitude = near.find(isLatitude);
  const longitude = near.find((one) => isLongitude(one) && one.shape.length === latitude?.shape.length);
  if (latitude && longitude) {
    const names = { longitude: longitude.name, latitude: latitude.name };
    if (latitude.shape.length === 0) return { kind: "one", ...names };
    if (latitude.shape.length === 2) {
      const [y, x] = latitude.dims as [string, string];
      return variable.dims.includes(y) && variable.dims.includes(x) ? { kind: "cells", x, y, ...names } : undefined;
    }
    const [y, x] = [latitude.dims[0]!, longitude.dims[0]!];
    return y === x ? { kind: "points", dim: x, ...names } : { kind: "grid", x, y, ...names };
  }
  const along = (name: string): Variable | undefined =>
    near.find((one) => one.shape.length === 1 && word(one, "standard_name") === `projection_${name}_coordinate`) ??
    near.find((one) => one.shape.length === 1 && within(one.name) === name && variable.dims.includes(name));
  const [easting, northing] = [along("x"), along("y")];
  if (!easting || !northing) return undefined;
  const [x, y] = [easting.dims[0]!, northing.dims[0]!];
  return { kind: "projected", x, y, easting: easting.name, northing: northing.name };
}
