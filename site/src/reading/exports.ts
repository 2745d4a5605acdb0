/** The answer as CSV, and as Python code that reads the same values. */

import { MARGIN, width } from "./box";
import type { Plan, Table } from "./query";

/** Lines that say where the values are from, then names with units and rows; `pandas.read_csv(…, comment="#")`. */
export function csv({ columns }: Table, about: readonly string[]): string {
  const lines = about.map((line) => `# ${line.replaceAll(/[\r\n]+/g, " ")}`);
  lines.push(columns.map((one) => quoted(one.unit ? `${one.name} [${one.unit}]` : one.name)).join(","));
  const count = columns.at(-1)?.values.length ?? 0;
  for (let row = 0; row < count; row += 1)
    lines.push(columns.map((one) => cell(one.values[row]!, one.times)).join(","));
  return `${lines.join("\n")}\n`;
}

export function cell(value: number, time: boolean): string {
  if (Number.isNaN(value)) return "";
  return time ? new Date(value).toISOString().replace(".000Z", "Z") : String(value);
}

/** No cell that a spreadsheet would run. */
function quoted(words: string): string {
  const harmless = /^[=+\-@\t]/.test(words) ? `'${words}` : words;
  return /[",\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Code that opens the references, as the page prints it, and cuts out the same values; the last line writes NetCDF. */
export function python({ plan }: Table, opening: string, groups: readonly Group[] = []): string {
  const cuts = plan.variable.dims
    .filter((dim) => plan.selection[dim])
    .map((dim) => `${JSON.stringify(dim)}: ${dim in plan.among ? `[${plan.among[dim]!.join(", ")}]` : `slice(${plan.selection[dim]!.join(", ")})`}`);
  const [name, masked] = [last(plan.variable.name), inside(plan)];
  const names = masked && !plan.cells!.projected ? [name, ...[plan.cells!.latitude, plan.cells!.longitude].map(last)] : [name];
  return `${ofGroup(opening, plan.variable.name, groups).trimEnd()}\npart = dataset[[${names.join(", ")}]].isel({${cuts.join(", ")}})\n${masked}part.to_netcdf("part.nc")\n`;
}

/** A group of the file: its path, the address of its own references, and that of the references of the whole file. */
export type Group = readonly [path: string, own: string, whole: string];

/** The code that opens the group of a variable by references of its own, which hold the coordinates around it. */
function ofGroup(opening: string, name: string, groups: readonly Group[]): string {
  const found = groups.find(([path]) => path === name.slice(0, Math.max(name.lastIndexOf("/"), 0)));
  if (!found) return opening;
  const [own, whole] = [found[1], found[2]].map((href) => href.replace(/^\.\//, ""));
  return opening.replace(`${whole}"`, `${own}"`).replace(/^store\.path = .*\n/m, "");
}

const last = (name: string): string => JSON.stringify(name.split("/").pop());

/** Lines that leave out what lies beside a box, as far as the file rounds positions; none without one. */
function inside({ cells, question, variable }: Plan): string {
  const { box } = question;
  if (!cells || !box) return "";
  const [west, south, , north] = box;
  const name = last(variable.name);
  const places = cells.projected
    ? [
        "import xarray",
        "from pyproj import Proj",
        `x, y = xarray.broadcast(part[${last(cells.projected.easting)}], part[${last(cells.projected.northing)}])`,
        "scale = [1000 if one.attrs.get('units', 'm').startswith('k') else 1 for one in (x, y)]",
        `lon, lat = Proj("${cells.projected.crs}")(x.values * scale[0], y.values * scale[1], inverse=True)`,
        "part = part.assign_coords(longitude=(x.dims, lon), latitude=(x.dims, lat))",
        "lon, lat = part.longitude, part.latitude",
      ]
    : [`lon, lat = part[${last(cells.longitude)}], part[${last(cells.latitude)}]`];
  return [
    ...places,
    `rounding = ${MARGIN}`,
    `inside = (lat >= ${south} - rounding) & (lat <= ${north} + rounding)`,
    `inside &= (lon - ${west} + rounding) % 360 <= ${width(box)} + 2 * rounding`,
    `part[${name}] = part[${name}].where(inside)`,
    "",
  ].join("\n");
}
