/** One table with the value of every raster: under the pointer or in the middle of the map, and at the chosen place. */

import { element } from "../lib/dom";
import type { Words } from "../lib/words";
import { place } from "../map/start";
import type { Shown } from "./shown";

export type Column = "pointer" | "chosen";
type Degrees = readonly [longitude: number, latitude: number];

export class Readout {
  readonly box = element("div", "", { class: "scroll", role: "region", tabindex: "0" });
  private rasters: readonly Shown[] = [];
  private readonly at: Partial<Record<Column, Degrees>> = {};
  private readonly turns: Record<Column, number> = { pointer: 0, chosen: 0 };

  constructor(private readonly words: Words) {
    this.box.setAttribute("aria-label", words("values"));
  }

  /** Makes a row for each raster that is seen, and fills it for the chosen place and for where the pointer was. */
  async show(all: readonly Shown[], chosen: Degrees | undefined): Promise<void> {
    if (chosen) this.at.chosen = chosen;
    this.rasters = all.filter((one) => one.palette && !one.layer.hidden);
    const table = element("table", "", { class: "values" });
    table.append(element("caption", this.words("values")));
    const head = table.createTHead().insertRow();
    head.append(element("th", this.words("layer"), { scope: "col" }));
    for (const column of ["pointer", "chosen"] as const) head.append(this.head(column));
    const body = table.createTBody();
    for (const one of this.rasters) {
      const row = body.insertRow();
      const name = element("th", one.palette!.of.title, { scope: "row" });
      if (one.source.title !== one.palette!.of.title) name.append(element("small", one.source.title));
      row.append(name, element("td", "", { "data-column": "pointer" }), element("td", "", { "data-column": "chosen" }));
    }
    this.box.replaceChildren(table);
    this.box.hidden = this.rasters.length === 0;
    await Promise.all((["pointer", "chosen"] as const).map((column) => this.tell(column, this.at[column])));
  }

  private head(column: Column): HTMLElement {
    const cell = element("th", this.words(`at.${column}`), { scope: "col" });
    cell.append(element("small", "", { "data-place": column }));
    return cell;
  }

  /** Fills a column; says the same in one sentence, for those who hear it. */
  async tell(column: Column, at: Degrees | undefined): Promise<string> {
    if (!at) return "";
    this.at[column] = at;
    const turn = ++this.turns[column];
    const where = place([...at], this.words);
    const rasters = this.rasters;
    this.box.querySelector(`[data-place="${column}"]`)!.textContent = where;
    const found = await Promise.all(rasters.map((one) => one.valueAt(at)));
    if (turn !== this.turns[column] || rasters !== this.rasters) return "";
    const cells = this.box.querySelectorAll(`td[data-column="${column}"]`);
    found.forEach((value, row) => (cells[row]!.textContent = value));
    const said = found.map((value, row) => this.words("said", { title: rasters[row]!.palette!.of.title, value }));
    return [where, ...said].join("; ");
  }
}
