/** The answer as CSV, and as Python code that reads the same values. */

import type { Table } from "./query";

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
export function python({ plan }: Table, opening: string): string {
  const cuts = plan.variable.dims
    .filter((dim) => plan.selection[dim])
    .map((dim) => `${JSON.stringify(dim)}: ${dim in plan.among ? `[${plan.among[dim]!.join(", ")}]` : `slice(${plan.selection[dim]!.join(", ")})`}`);
  const name = JSON.stringify(plan.variable.name.split("/").pop());
  return `${opening.trimEnd()}\npart = dataset[[${name}]].isel({${cuts.join(", ")}})\npart.to_netcdf("part.nc")\n`;
}
