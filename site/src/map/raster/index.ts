/** Shows rasters on the map: which one, its legend, and its value at a place. */

import { element } from "../../lib/dom";
import { projection, type Position } from "../../lib/projections";
import type { Words } from "../../lib/words";
import type { Chart } from "../chart";
import { Grid, Refusal } from "./grid";
import { rasterLayer, turnInto } from "./layer";
import { Palette, type Described } from "./palette";

export class Rasters {
  readonly box = element("div", "", { class: "rasters" });
  private readonly choice = element("select", "", { name: "raster" });
  private readonly legend = element("div");
  private readonly trouble = element("p", "", { role: "status" });
  private shown: { grid: Grid; palette: Palette } | undefined;
  private turn = 0;

  constructor(
    private readonly chart: Chart,
    private readonly all: readonly Described[],
    private readonly words: Words,
  ) {
    const label = element("label", `${words("raster")} `);
    const { choice } = this;
    choice.append(...all.map((one, index) => new Option(one.title, String(index))), new Option(words("none"), ""));
    choice.addEventListener("change", () => void this.show(choice.value));
    label.append(choice);
    this.box.append(label, this.legend, this.trouble);
  }

  /** Shows the first raster that the map can place. */
  async first(): Promise<void> {
    const { code } = this.all[0]!; // the builder puts those first that have a place
    this.choice.value = projection(code) || code === "EPSG:4326" ? "0" : "";
    await this.show(this.choice.value);
  }

  /** Shows one of the rasters by its number; none for an empty text. */
  async show(number: string): Promise<void> {
    const turn = ++this.turn;
    this.trouble.textContent = "";
    this.legend.replaceChildren();
    this.shown = undefined;
    this.chart.put("raster", () => []);
    const one = number === "" ? undefined : this.all[Number(number)];
    if (!one) return;
    try {
      const grid = await Grid.open(new URL(one.href, location.href).href, one.code);
      if (turn !== this.turn) return;
      const palette = new Palette(one, grid.table);
      this.shown = { grid, palette };
      this.legend.replaceChildren(palette.legend(this.words));
      this.chart.put("raster", (code) => [rasterLayer(grid, palette, code, (trouble) => this.fail(trouble))]);
    } catch (trouble) {
      this.fail(trouble);
    }
  }

  private fail(trouble: unknown): void {
    if (trouble instanceof Refusal) {
      this.trouble.textContent = this.words(trouble.key, trouble.values);
      return;
    }
    const why = trouble instanceof Error ? trouble.message : "?";
    this.trouble.textContent = this.words("unread", { why });
  }

  /** The value at a place of the map, in words; empty where there is none. */
  async at(place: Position): Promise<string> {
    if (!this.shown) return "";
    const { grid, palette } = this.shown;
    const value = await grid.value(turnInto(grid, this.chart.code, palette.of.code)(place)).catch(() => undefined);
    if (value === undefined) return "";
    return value === null ? this.words("missing") : palette.say(value, this.words);
  }
}
