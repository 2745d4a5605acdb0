/** Shows rasters on the map: which one, its legend, and its value at a place. */

import { element } from "../../lib/dom";
import type { Position } from "../../lib/projections";
import type { Words } from "../../lib/words";
import type { Chart } from "../chart";
import { Grid } from "./grid";
import { rasterLayer, turnInto } from "./layer";
import { Palette, type Described } from "./palette";

export class Rasters {
  readonly box = element("div", "", { class: "rasters" });
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
    const choice = element("select", "", { name: "raster" });
    choice.append(...all.map((one, index) => new Option(one.title, String(index))), new Option(words("none"), ""));
    choice.addEventListener("change", () => void this.show(choice.value));
    label.append(choice);
    this.box.append(label, this.legend, this.trouble);
  }

  /** Shows one of the rasters by its number; none for an empty text. */
  async show(number: string): Promise<void> {
    const turn = ++this.turn;
    this.trouble.textContent = "";
    this.legend.replaceChildren();
    this.shown = undefined;
    this.chart.put(() => []);
    const one = number === "" ? undefined : this.all[Number(number)];
    if (!one) return;
    try {
      const grid = await Grid.open(new URL(one.href, location.href).href, one.code);
      if (turn !== this.turn) return;
      const palette = new Palette(one);
      this.shown = { grid, palette };
      this.legend.replaceChildren(palette.legend(this.words));
      this.chart.put((code) => [rasterLayer(grid, palette, code, (trouble) => this.fail(trouble))]);
    } catch (trouble) {
      this.fail(trouble);
    }
  }

  private fail(trouble: unknown): void {
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
