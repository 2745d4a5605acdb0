/** A file behind references: its variables with dimensions and attributes, and reading them. */

import { get, open, root, slice, type AsyncReadable } from "zarrita";
import { decode, valid, type Attributes, type Values } from "./cf";
import { registerCodecs } from "./codecs";
import { cost, type Cost, type Part, Ranges, type Version } from "./ranges";
import { openReferences, type References } from "./references";
import { ReadError } from "./trouble";

export interface Variable {
  name: string;
  dims: string[];
  shape: number[];
  chunks: number[];
  attributes: Attributes;
}

/** First index and the one after the last, by dimension; others are read whole. */
export type Selection = Readonly<Record<string, readonly [number, number]>>;

/** Most values that are read in one go. */
export const MOST_VALUES = 4_000_000;

/** Values in row-major order of `shape`. */
export interface Block {
  values: Values;
  dims: string[];
  shape: number[];
}

const AUXILIARY = new Set(["_ARRAY_DIMENSIONS", "coordinates", "valid_reals"]);

export class Dataset implements AsyncReadable {
  readonly variables = new Map<string, Variable>();
  readonly ranges: Ranges;

  constructor(
    private readonly references: References,
    ranges: Ranges,
  ) {
    registerCodecs();
    this.ranges = ranges;
    for (const [key, document] of references.documents) {
      if (!key.endsWith("/.zarray")) continue;
      const name = key.slice(0, -"/.zarray".length);
      const attributes = references.documents.get(`${name}/.zattrs`) ?? {};
      const { shape, chunks } = document as { shape: number[]; chunks: number[] };
      const dims = (attributes._ARRAY_DIMENSIONS as string[] | undefined) ?? shape.map((_, axis) => `${name}_${axis}`);
      this.variables.set(name, { name, dims, shape, chunks, attributes });
    }
  }

  /** Attributes of the file itself. */
  get attributes(): Attributes {
    return this.references.documents.get(".zattrs") ?? {};
  }

  /** Opens references; `version` says of which file they were made. */
  static async open(href: string, version: Version = {}, request?: typeof fetch, signal?: AbortSignal): Promise<Dataset> {
    return new Dataset(await openReferences(href, request), new Ranges(version, request, signal));
  }

  variable(name: string): Variable {
    const found = this.variables.get(name);
    if (!found) throw new ReadError("layout", name);
    return found;
  }

  /** What zarrita asks for: metadata and chunks by key. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const path = key.replace(/^\//, "");
    const document = this.references.documents.get(path);
    if (document) return new TextEncoder().encode(JSON.stringify(document));
    const cut = path.lastIndexOf("/");
    const found = await this.references.locate(path.slice(0, cut), path.slice(cut + 1));
    return found instanceof Uint8Array || found === undefined ? found : this.ranges.get(found);
  }

  /** Reads a block of a variable and decodes it. */
  async read(name: string, selection: Selection = {}): Promise<Block> {
    const { dims, attributes } = this.variable(name);
    const array = await open.v2(root(this).resolve(name), { kind: "array" }).catch(asReadError);
    const bounds = array.shape.map((length, axis) => selection[dims[axis]!] ?? [0, length]);
    const asked = bounds.map(([first, stop]) => slice(first, stop));
    const shape = bounds.map(([first, stop]) => stop - first);
    if (shape.includes(0)) return { values: new Float64Array(0), dims: [...dims], shape };
    const found = await get(array, asked).catch(asReadError);
    const own = (this.references.documents.get(`${name}/.zarray`) as { fill_value: unknown }).fill_value;
    const missing = attributes._FillValue ?? (/^v2:S/.test(array.dtype) && typeof own === "string" ? atob(own) : undefined);
    const data = shape.length > 0 ? (found as { data: Iterable<unknown> }).data : [found];
    if (array.dtype === "v2:S1" && this.letters(dims.at(-1)))
      return joined(data as unknown as ArrayBufferView, missing, dims, shape);
    const raw = Array.isArray(data) || ArrayBuffer.isView(data) ? data : Array.from(data);
    return { values: decode(raw as never, { ...attributes, _FillValue: missing }, array.dtype, own), dims: [...dims], shape };
  }

  /** Reads a block of numbers with what is no measured value missing. */
  async measured(name: string, selection: Selection = {}): Promise<Block & { values: Float64Array }> {
    const block = await this.read(name, selection);
    if (!(block.values instanceof Float64Array)) throw new ReadError("layout", name);
    const [, kind, bytes] = /^.([iuf])(\d)$/.exec(this.dtype(name)) ?? [];
    const type = `${{ i: "int", u: "uint", f: "float" }[kind ?? ""]}${8 * Number(bytes)}`;
    return { ...block, values: valid(block.values, this.variable(name).attributes, type) };
  }

  /** Tells whether an array holds words. */
  textual(name: string): boolean {
    return /^[<>|][SUO]/.test(this.dtype(name));
  }

  private dtype(name: string): string {
    return (this.references.documents.get(`${name}/.zarray`) as { dtype: string } | undefined)?.dtype ?? "|O";
  }

  /** Tells whether a dimension counts the letters of words: only arrays of characters have it, as their last. */
  private letters(dim: string | undefined): boolean {
    if (dim === undefined || this.variables.has(dim)) return false;
    const all = [...this.variables.values()].filter((one) => one.dims.includes(dim));
    return all.every((one) => {
      const { dtype } = this.references.documents.get(`${one.name}/.zarray`) as { dtype: string };
      return dtype === "|S1" && one.dims.at(-1) === dim;
    });
  }

  /** Says what reading a block costs, before anything of it is read. */
  async parts(name: string, selection: Selection = {}): Promise<Part[]> {
    const { dims, shape, chunks } = this.variable(name);
    const axes = shape.map((length, axis) => {
      const [first, stop] = selection[dims[axis]!] ?? [0, length];
      const [begin, end] = [Math.floor(first / chunks[axis]!), Math.ceil(stop / chunks[axis]!)];
      return Array.from({ length: Math.max(0, end - begin) }, (_, index) => begin + index);
    });
    let keys = [""];
    for (const axis of axes) keys = keys.flatMap((key) => axis.map((index) => (key ? `${key}.${index}` : `${index}`)));
    if (axes.length === 0) keys = ["0"];
    const found = await Promise.all(keys.map((key) => this.references.locate(name, key)));
    return found.filter((one): one is Part => one !== undefined && !(one instanceof Uint8Array));
  }

  async cost(asked: readonly (readonly [string, Selection])[]): Promise<Cost> {
    const parts = await Promise.all(asked.map(([name, selection]) => this.parts(name, selection)));
    return cost(parts.flat());
  }

  /** Attributes of a variable that are about its values. */
  about(name: string): Attributes {
    return Object.fromEntries(Object.entries(this.variable(name).attributes).filter(([key]) => !AUXILIARY.has(key)));
  }
}

/** Joins single characters along their last dimension to words, as xarray does; missing ones are empty. */
function joined(data: ArrayBufferView, fill: unknown, dims: readonly string[], shape: readonly number[]): Block {
  const length = shape.at(-1)!;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const reader = new TextDecoder();
  const values = Array.from({ length: bytes.length / length }, (_, row) => {
    const word = reader.decode(bytes.subarray(row * length, (row + 1) * length)).replace(/\0+$/, "");
    return typeof fill === "string" && word.trimEnd() === fill.trimEnd() ? "" : word;
  });
  return { values, dims: dims.slice(0, -1), shape: shape.slice(0, -1) };
}

function asReadError(trouble: unknown): never {
  for (let cause = trouble; cause instanceof Error; cause = cause.cause) if (cause instanceof ReadError) throw cause;
  const words = trouble instanceof Error ? trouble.message : String(trouble);
  throw new ReadError(/codec/i.test(words) ? "codec" : "layout", words);
}
