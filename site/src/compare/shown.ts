/** A layer that is shown: its source opened, its raster, and how it is drawn. */

import type BaseLayer from "ol/layer/Base";
import type { Words } from "../lib/words";
import { footprintLayers } from "../map/layers";
import { Grid, Refusal } from "../map/raster/grid";
import { rasterLayer } from "../map/raster/layer";
import { Palette } from "../map/raster/palette";
import { sourceOf, type Source } from "./source";
import type { Layer } from "./state";

/** How much areas are tinted: several may lie over each other. */
const TINT = 0.08;
/** Colours of the style sheet that layers take in their order; beyond them lines are dashed. */
const COLOURS = 4;
const DASHES = [[], [8, 4], [2, 3]];

export class Shown {
  grid: Grid | undefined;
  palette: Palette | undefined;
  /** What went wrong with the raster, in words. */
  trouble = "";
  private drawn: BaseLayer[] = [];
  private readonly images = new Map<string, BaseLayer>();

  private constructor(
    readonly layer: Layer,
    readonly source: Source,
    private readonly words: Words,
  ) {}

  static async open(layer: Layer, root: URL, words: Words): Promise<Shown> {
    const shown = new Shown(layer, await sourceOf(layer.path, root), words);
    await shown.choose(layer.raster);
    return shown;
  }

  /** Chooses one of its rasters; what it has none of is no raster. */
  async choose(index: number): Promise<void> {
    this.layer.raster = index;
    this.images.clear();
    this.trouble = "";
    this.grid = this.palette = undefined;
    const one = this.source.rasters[index];
    if (!one) return;
    try {
      this.grid = await Grid.open(one.href, one.code);
      this.palette = new Palette(one, this.grid.table);
    } catch (trouble) {
      this.fail(trouble);
    }
  }

  private fail(trouble: unknown): void {
    if (trouble instanceof Refusal) this.trouble = this.words(trouble.key, trouble.values);
    else this.trouble = this.words("unread", { why: trouble instanceof Error ? trouble.message : "?" });
  }

  /** Layers of the map in a projection, lowest first; a raster lies below its outline, which is not filled. */
  layers(code: string, place: number): BaseLayer[] {
    const outline = footprintLayers(this.source.shapes, code, colourOf(place));
    outline[0]?.setOpacity(TINT);
    const image = this.image(code);
    this.drawn = image ? [image, ...outline.slice(1)] : outline;
    for (const one of this.drawn) one.set("own", one.get("own") ?? one.getOpacity());
    this.tint();
    return this.drawn;
  }

  /** The drawing is kept, so that what it has read is not read again. */
  private image(code: string): BaseLayer | undefined {
    if (!this.grid || !this.palette) return undefined;
    let found = this.images.get(code);
    if (!found) {
      found = rasterLayer(this.grid, this.palette, code, (trouble) => this.fail(trouble));
      this.images.set(code, found);
    }
    return found;
  }

  /** Makes the drawing as visible as the layer is to be. */
  tint(): void {
    for (const one of this.drawn) {
      one.setVisible(!this.layer.hidden);
      one.setOpacity((Number(one.get("own")) * this.layer.opacity) / 100);
    }
  }

  /** The raster's value at degrees east and north, in words; empty outside of it. */
  async valueAt([longitude, latitude]: readonly [number, number]): Promise<string> {
    if (!this.grid || !this.palette) return "";
    const value = await this.grid.value(this.grid.crs.forward(longitude, latitude)).catch(() => undefined);
    if (value === undefined) return this.words("outside");
    return value === null ? this.words("missing") : this.palette.say(value, this.words);
  }
}

export function colourOf(place: number): string {
  return `series-${(place % COLOURS) + 1}`;
}

export function dashOf(place: number): number[] {
  return DASHES[Math.floor(place / COLOURS) % DASHES.length]!;
}
