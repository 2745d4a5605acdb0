/** A cloud-optimised GeoTIFF as a grid of values: which part to read for a view, and the value at a place. */

import { fromUrl, type GeoTIFFImage } from "geotiff";
import { projection, type Position, type Projection } from "../../lib/projections";
import type { Colour } from "./palette";

/** More cells than this are not read for one picture. */
const MOST_CELLS = 4_000_000;

/** Compression of the TIFF tag: Esri's LERC, which needs WebAssembly, and the pages' policy forbids that. */
const LERC = 34887;

const PALETTE = 3;

/** Why a raster is not shown, by the key of its words. */
export class Refusal extends Error {
  constructor(
    readonly key: string,
    readonly values: Readonly<Record<string, string>>,
  ) {
    super(key);
  }
}

/** Positions in degrees, as they are. */
const PLAIN: Projection = { forward: (longitude, latitude) => [longitude, latitude], inverse: (x, y) => [x, y] };

export interface Part {
  values: ArrayLike<number>;
  /** Where cell (0, 0) begins, the size of cells (down is negative), and how many there are. */
  left: number;
  top: number;
  across: number;
  down: number;
  width: number;
  height: number;
}

export class Grid {
  private constructor(
    private readonly levels: readonly GeoTIFFImage[],
    readonly crs: Projection,
    readonly missing: number | null,
    private readonly box: readonly [number, number, number, number],
    /** Colours of the values 0, 1, 2 …, where the file has a table of them. */
    readonly table: readonly Colour[],
  ) {}

  /** Opens a file of which only ranges are read; its overviews are its later images. */
  static async open(address: string, code: string): Promise<Grid> {
    const file = await fromUrl(address, { allowFullFile: false, cacheSize: 200, blockSize: 65536 });
    const count = await file.getImageCount();
    const all = await Promise.all(Array.from({ length: count }, (_, index) => file.getImage(index)));
    const whole = all[0]!;
    const share = (one: GeoTIFFImage): number => one.getWidth() / one.getHeight() / (whole.getWidth() / whole.getHeight());
    const levels = all.filter((one, index) => index === 0 || (Math.abs(share(one) - 1) < 0.05 && !isMask(one)));
    const crs = code === "EPSG:4326" ? PLAIN : projection(code);
    if (!crs) throw new Refusal("unplaced", { code });
    if (whole.fileDirectory.getValue("Compression") === LERC) throw new Refusal("packed", { how: "LERC" });
    const [left, bottom, right, top] = whole.getBoundingBox() as [number, number, number, number];
    return new Grid(levels, crs, missingOf(whole), [left, bottom, right, top], await tableOf(whole));
  }

  /** Reads what covers the places, at least as finely as asked where that is not too much. */
  async part(places: readonly Position[], resolution: number): Promise<Part | undefined> {
    const [left, bottom, right, top] = this.box;
    const level = this.level(resolution, places);
    const [width, height] = [level.getWidth(), level.getHeight()];
    const [across, down] = [(right - left) / width, (bottom - top) / height];
    const columns = places.map(([x]) => (x - left) / across);
    const rows = places.map(([, y]) => (y - top) / down);
    const clip = (value: number, most: number): number => Math.min(most, Math.max(0, value));
    const [c0, c1] = [clip(Math.floor(Math.min(...columns)) - 2, width), clip(Math.ceil(Math.max(...columns)) + 2, width)];
    const [r0, r1] = [clip(Math.floor(Math.min(...rows)) - 2, height), clip(Math.ceil(Math.max(...rows)) + 2, height)];
    if (c1 <= c0 || r1 <= r0) return undefined;
    const found = await level.readRasters({ window: [c0, r0, c1, r1], samples: [0], interleave: true });
    const start = { left: left + c0 * across, top: top + r0 * down };
    return { values: found as unknown as ArrayLike<number>, ...start, across, down, width: c1 - c0, height: r1 - r0 };
  }

  /** The value of the cell at a place, at full resolution; undefined outside, null where it is missing. */
  async value([x, y]: Position): Promise<number | null | undefined> {
    const [left, bottom, right, top] = this.box;
    const whole = this.levels[0]!;
    const column = Math.floor(((x - left) / (right - left)) * whole.getWidth());
    const row = Math.floor(((top - y) / (top - bottom)) * whole.getHeight());
    if (!(column >= 0 && row >= 0 && column < whole.getWidth() && row < whole.getHeight())) return undefined;
    const window = [column, row, column + 1, row + 1];
    const found = await whole.readRasters({ window, samples: [0], interleave: true });
    const value = (found as unknown as ArrayLike<number>)[0]!;
    return this.isMissing(value) ? null : value;
  }

  isMissing(value: number): boolean {
    return Number.isNaN(value) || value === this.missing;
  }

  /** The coarsest level that is fine enough and small enough. */
  private level(resolution: number, places: readonly Position[]): GeoTIFFImage {
    const [left, , right] = this.box;
    const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
    const area = (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
    const sorted = [...this.levels].sort((a, b) => a.getWidth() - b.getWidth());
    const size = (one: GeoTIFFImage): number => (right - left) / one.getWidth();
    const small = sorted.filter((one) => area / size(one) ** 2 < MOST_CELLS || one.getWidth() * one.getHeight() < MOST_CELLS);
    return small.find((one) => size(one) <= resolution * 1.01) ?? small.at(-1) ?? sorted[0]!;
  }
}

/** The value that stands for none, as the cells hold it: written in decimals, it may lie between two single-precision numbers. */
function missingOf(image: GeoTIFFImage): number | null {
  const said = image.getGDALNoData();
  const single = image.getSampleFormat() === 3 && image.getBitsPerSample() === 32;
  return said !== null && single ? Math.fround(said) : said;
}

/** Tells a mask (bit 2 of NewSubfileType) from an overview. */
function isMask(image: GeoTIFFImage): boolean {
  return ((image.fileDirectory.getValue("NewSubfileType") as number | undefined) ?? 0) >= 4;
}

/** The table of colours of an image (TIFF 6.0, ColorMap: all reds, all greens, all blues, 16 bits each). */
async function tableOf(image: GeoTIFFImage): Promise<Colour[]> {
  if (image.fileDirectory.getValue("PhotometricInterpretation") !== PALETTE) return [];
  const shades = (await image.fileDirectory.loadValue("ColorMap")) as ArrayLike<number> | undefined;
  const count = (shades?.length ?? 0) / 3;
  const shade = (at: number): number => Math.round(shades![at]! / 257);
  return Array.from({ length: count }, (_, value) => [shade(value), shade(count + value), shade(2 * count + value)] as const);
}
