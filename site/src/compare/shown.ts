/** A layer that is shown: its source opened, its raster, and how it is drawn. */

import type BaseLayer from "ol/layer/Base";
import { footprintLayers } from "../map/layers";
import { Grid, Refusal } from "../map/raster/grid";
import { rasterLayer } from "../map/raster/layer";
import { Palette } from "../map/raster/palette";
import { Missing, sourceOf, unopened, type Source } from "./source";
import type { Layer } from "./state";
import type { Texts } from "./texts";

/** How much areas are tinted: several may lie over each other. */
const TINT = 0.08;
/** Colours of the style sheet that layers take in their order; beyond them lines are dashed. */
const COLOURS = 4;
const DASHES = [[], [8, 4], [2, 3]];

export class Shown {
  source: Source;
  raster: { grid: Grid; palette: Palette } | undefined;
  /** What there is to say of it for now, in words: that it is being opened, or what went wrong. */
  note = "";
  /** Whether something did not answer, so that it can be tried again. */
  failed = false;
  private opened = false;
  private turn = 0;
  private drawn: BaseLayer[] = [];
  private readonly images = new Map<string, BaseLayer>();

  constructor(
    readonly layer: Layer,
    private readonly root: URL,
    private readonly words: Texts,
    private readonly changed: () => void,
  ) {
    this.source = unopened(layer.path, root);
  }

  /** Opens its page, then its raster; says what does not answer, and throws only `Missing`. */
  async open(): Promise<void> {
    if (this.opened) return this.choose(this.layer.raster);
    this.say(this.words.own("opening"));
    try {
      this.source = await sourceOf(this.layer.path, this.root);
    } catch (trouble) {
      if (trouble instanceof Missing) throw trouble;
      return this.say(this.words.own("unanswered"), true);
    }
    this.opened = true;
    return this.choose(this.layer.raster);
  }

  /** Chooses one of its rasters; what it has none of is no raster. */
  async choose(index: number): Promise<void> {
    const turn = ++this.turn;
    this.layer.raster = index;
    this.images.clear();
    this.raster = undefined;
    const one = this.source.rasters[index];
    this.say(one ? this.words.own("opening") : "");
    if (!one) return;
    try {
      const grid = await Grid.open(one.href, one.code);
      if (turn !== this.turn) return;
      this.raster = { grid, palette: new Palette(one, grid.table) };
      this.say("");
    } catch (trouble) {
      if (turn === this.turn) this.fail(trouble);
    }
  }

  private say(note: string, failed = false): void {
    [this.note, this.failed] = [note, failed];
    this.changed();
  }

  private fail(trouble: unknown): void {
    if (trouble instanceof Refusal) this.say(this.words.map(trouble.key, trouble.values));
    else this.say(this.words.map("unread", { why: trouble instanceof Error ? trouble.message : "?" }), true);
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
    const { raster, turn } = this;
    if (!raster) return undefined;
    let found = this.images.get(code);
    if (!found) {
      found = rasterLayer(raster.grid, raster.palette, code, (trouble) => turn === this.turn && !this.failed && this.fail(trouble));
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

  /** The raster's value at degrees east and north, in words. */
  async valueAt([longitude, latitude]: readonly [number, number]): Promise<string> {
    if (!this.raster) return "";
    const { grid, palette } = this.raster;
    try {
      const value = await grid.value(grid.crs.forward(longitude, latitude));
      if (value === undefined) return this.words.own("outside");
      return value === null ? this.words.own("missing") : palette.say(value, this.words.own);
    } catch {
      return this.words.own("silent");
    }
  }
}

export function colourOf(place: number): string {
  return `series-${(place % COLOURS) + 1}`;
}

export function dashOf(place: number): number[] {
  return DASHES[Math.floor(place / COLOURS) % DASHES.length]!;
}
