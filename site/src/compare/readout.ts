/** One table with the value of every raster: under the pointer or in the middle of the map, and at the chosen place. */

import { element } from "../lib/dom";
import { patiently } from "../lib/patience";
import { place } from "../map/start";
import type { Shown } from "./shown";
import type { Texts } from "./texts";

export type Column = "pointer" | "chosen";
type Degrees = readonly [longitude: number, latitude: number];

export class Readout {
  readonly box = element("div", "", { class: "scroll", role: "region", tabindex: "0" });
  private rasters: readonly Shown[] = [];
  private readonly at: Partial<Record<Column, Degrees>> = {};
  private readonly turns: Record<Column, number> = { pointer: 0, chosen: 0 };

  constructor(private readonly words: Texts) {
    this.box.setAttribute("aria-label", words.own("values"));
  }

  /** Makes a row for each raster that is seen, and fills it for the chosen place and for where the pointer was. */
  show(all: readonly Shown[], chosen: Degrees | undefined): void {
    if (chosen) this.at.chosen = chosen;
    this.rasters = all.filter((one) => one.raster && !one.layer.hidden);
    const table = element("table", "", { class: "values" });
    table.append(element("caption", this.words.own("values")));
    const head = table.createTHead().insertRow();
    head.append(element("th", this.words.own("layer"), { scope: "col" }));
    for (const column of ["pointer", "chosen"] as const) head.append(this.head(column));
    const body = table.createTBody();
    for (const one of this.rasters) {
      const row = body.insertRow();
      const name = element("th", titleOf(one), { scope: "row" });
      if (one.source.title !== titleOf(one)) name.append(element("small", one.source.title));
      row.append(name, element("td", "", { "data-column": "pointer" }), element("td", "", { "data-column": "chosen" }));
    }
    this.box.replaceChildren(table);
    this.box.hidden = this.rasters.length === 0;
    for (const column of ["pointer", "chosen"] as const) void this.tell(column, this.at[column]);
  }

  private head(column: Column): HTMLElement {
    const cell = element("th", this.words.own(`at.${column}`), { scope: "col" });
    cell.append(element("small", "", { "data-place": column }));
    return cell;
  }

  /** Fills a column, each value as it comes; says the same in one sentence for those who hear it, empty once it is outdated. */
  async tell(column: Column, at: Degrees | undefined): Promise<string> {
    if (!at) return "";
    this.at[column] = at;
    const turn = ++this.turns[column];
    const where = place([...at], this.words.map);
    const { rasters } = this;
    this.box.querySelector(`[data-place="${column}"]`)!.textContent = where;
    const cells = this.box.querySelectorAll(`td[data-column="${column}"]`);
    const found = rasters.map((one) => one.valueAt(at));
    const filled = found.map(async (value, row) => {
      cells[row]!.textContent = this.words.own("waiting");
      const said = await value;
      if (turn === this.turns[column]) cells[row]!.textContent = said;
    });
    await patiently(filled);
    if (turn !== this.turns[column]) return "";
    const said = rasters.map((one, row) => this.words.own("said", { title: titleOf(one), value: cells[row]!.textContent }));
    return [where, ...said].join("; ");
  }
}

function titleOf({ raster, source }: Shown): string {
  return raster?.palette.of.title ?? source.title;
}
