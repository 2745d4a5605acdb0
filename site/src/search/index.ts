/** Reads the index of the catalogue by ranges; `builder/index` writes it, and `builder/search/page.py` reads it alike. */

import { kept } from "../lib/kept";
import { FACETS, type Asked } from "./asked";
import { judged, meets, type Verdict } from "./bounds";
import { columns, DataFile, unpack } from "./file";

export interface Shelf {
  id: string;
  title: string;
  partner: string;
  partner_title: string;
  rows: [number, number];
}

/** Term, how many rows have it, and where the list of them lies. */
export type Entry = [string, number, number, number];
type Kind = "places" | "titles";

interface Head {
  version: number;
  rows: number;
  block: number;
  data: string;
  collections: Shelf[];
  facets: Record<string, Entry[]>;
  words: { first: string[]; at: number[] };
  blocks: { places: number; titles: number; sizes: [number, number]; bounds: [number, number] };
}

interface Places {
  boxes: Int32Array[];
  times: Float64Array[];
}

export interface Hit {
  shelf: Shelf;
  id: string;
  title: string;
  own: boolean;
  box: [number, number, number, number];
  time: [number, number];
}

const VERSION = 2;
const BOUNDS = 13;
/** A word of so many letters also stands for all words that begin with it. */
const PREFIX = 4;
/** Bytes between two parts that are rather read than asked around. */
const GAP = 4096;

export class Index {
  private readonly lists = new Map<string, Promise<Uint8Array>>();
  private readonly held: Record<Kind, Map<number, Promise<Uint8Array>>> = { places: new Map(), titles: new Map() };
  private readonly tables = new Map<string, Promise<Int32Array[]>>();

  private constructor(
    readonly head: Head,
    readonly file: DataFile,
  ) {}

  static async open(): Promise<Index> {
    const answer = await fetch(new URL("index.json", location.href), { cache: "no-cache" });
    if (!answer.ok) throw new Error(`index.json: ${answer.status}`);
    const head = (await answer.json()) as Head;
    if (head.version !== VERSION) throw new Error(`index.json: version ${head.version}`);
    return new Index(head, new DataFile(new URL(head.data, location.href).href));
  }

  get count(): number {
    return Math.ceil(this.head.rows / this.head.block);
  }

  span(block: number): [number, number] {
    return [block * this.head.block, Math.min((block + 1) * this.head.block, this.head.rows)];
  }

  /** Rows that have all words and one value of each facet; places and times are looked at later. */
  async candidates(asked: Asked): Promise<Uint8Array> {
    const found = new Uint8Array(this.head.rows).fill(1);
    const lists = await Promise.all([
      ...asked.words.map((word) => this.having(word)),
      ...[...asked.chosen].map(([name, values]) => this.either(name, values)),
    ]);
    for (const list of lists) for (let row = 0; row < found.length; row += 1) found[row]! &= list[row]!;
    return found;
  }

  private async either(name: string, values: readonly string[]): Promise<Uint8Array> {
    const found = new Uint8Array(this.head.rows);
    for (const value of values) {
      if ((FACETS as readonly string[]).includes(name)) {
        const list = await this.having(`:${name}:${value}`);
        for (let row = 0; row < found.length; row += 1) found[row]! |= list[row]!;
      } else
        for (const one of this.head.collections)
          if ((name === "collection" ? one.id : one.partner) === value) found.fill(1, ...one.rows);
    }
    return found;
  }

  /** Rows that have a word, or a value of a facet as `:name:value`. */
  having(term: string): Promise<Uint8Array> {
    return kept(this.lists, term, () => this.sought(term));
  }

  private async sought(term: string): Promise<Uint8Array> {
    const entries = await this.entries(term);
    const found = new Uint8Array(this.head.rows);
    if (entries.length === 0) return found;
    const [start, end] = [entries[0]![2], entries.at(-1)![2] + entries.at(-1)![3]];
    const lists = await this.file.bytes(start, end - start);
    for (const [, , place, length] of entries)
      eachRun(await unpack(lists.subarray(place - start, place - start + length)), (from, to) => found.fill(1, from, to));
    return found;
  }

  /** Bytes of the lists of values of a facet. */
  costOf(values: readonly Entry[]): number {
    return values.reduce((sum, [, , , length]) => sum + length, 0);
  }

  /** How many of the rows found have each value of a facet; lists that lie together are read together. */
  async counts(values: readonly Entry[], found: Uint8Array): Promise<Map<string, number>> {
    const before = new Int32Array(found.length + 1);
    for (let row = 0; row < found.length; row += 1) before[row + 1] = before[row]! + found[row]!;
    const together: Entry[][] = [];
    for (const value of [...values].sort((one, other) => one[2] - other[2])) {
      const last = together.at(-1)?.at(-1);
      if (last && value[2] - (last[2] + last[3]) <= GAP) together.at(-1)!.push(value);
      else together.push([value]);
    }
    const counts = new Map<string, number>();
    const count = async (several: readonly Entry[]): Promise<void> => {
      const [start, last] = [several[0]![2], several.at(-1)!];
      const lists = await this.file.bytes(start, last[2] + last[3] - start);
      for (const [value, , place, length] of several) {
        let sum = 0;
        eachRun(await unpack(lists.subarray(place - start, place - start + length)), (from, to) => (sum += before[to]! - before[from]!));
        counts.set(value, sum);
      }
    };
    await Promise.all(together.map(count));
    return counts;
  }

  /** What the dictionary says of a term, and of those that begin with it where it stands for them. */
  private async entries(term: string): Promise<Entry[]> {
    const { first, at } = this.head.words;
    const open = !term.startsWith(":") && [...term].length >= PREFIX;
    let beyond = 0;
    while (beyond < first.length && !after(first[beyond]!, term)) beyond += 1;
    const page = Math.max(0, beyond - 1);
    while (open && beyond < first.length && first[beyond]!.startsWith(term)) beyond += 1;
    const data = await this.file.bytes(at[page]!, at[beyond]! - at[page]!);
    const pages = Array.from({ length: beyond - page }, (_, number) =>
      json<Entry[]>(data.subarray(at[page + number]! - at[page]!, at[page + number + 1]! - at[page]!)),
    );
    return (await Promise.all(pages)).flat().filter(([word]) => word === term || (open && word.startsWith(term)));
  }

  /** What the bounds say of each block. */
  async verdicts(asked: Asked): Promise<Verdict[]> {
    if (!asked.box && !asked.period) return Array.from({ length: this.count }, () => "all" as const);
    const bounds = await this.table("bounds", BOUNDS);
    return Array.from({ length: this.count }, (_, block) => judged(bounds.map((column) => column[block]!), asked));
  }

  /** A table about all blocks, of so many columns. */
  private table(name: "bounds" | "sizes", count: number): Promise<Int32Array[]> {
    return kept(this.tables, name, async () => {
      const data = await this.file.unpacked(...this.head.blocks[name]);
      return columns(data, Array.from({ length: count }, () => 4)).map((column) => new Int32Array(column));
    });
  }

  /** Strikes out the rows of a block that are elsewhere or at another time. */
  async settle(block: number, found: Uint8Array, { box, period }: Asked): Promise<void> {
    const [start, end] = this.span(block);
    const { boxes, times } = await this.placesOf(block);
    const [first, last] = period ?? [-Infinity, Infinity];
    for (let row = start; row < end; row += 1) {
      const place = row - start;
      const there = !box || meets(boxes.map((side) => side[place]!), box);
      if (!there || times[0]![place]! > last || times[0]![place]! + times[1]![place]! < first) found[row] = 0;
    }
  }

  /** What is shown of rows that answer. */
  async hits(rows: readonly number[]): Promise<Hit[]> {
    const blocks = [...new Set(rows.map((row) => Math.floor(row / this.head.block)))];
    await Promise.all([this.fetch("titles", blocks), this.fetch("places", blocks)]);
    const read = new Map(await Promise.all(blocks.map(async (one) => [one, await this.shown(one)] as const)));
    return rows.map((row) => {
      const { titles, places } = read.get(Math.floor(row / this.head.block))!;
      const at = row % this.head.block;
      const shelf = this.head.collections.find((one) => row < one.rows[1])!;
      const box = places.boxes.map((side) => side[at]!) as Hit["box"];
      const time = places.times.map((side) => side[at]!) as Hit["time"];
      return { shelf, id: titles.id[at]!, title: titles.title[at]!, own: titles.own.includes(at), box, time };
    });
  }

  private async shown(block: number): Promise<{ titles: { id: string[]; title: string[]; own: number[] }; places: Places }> {
    const titles = json<{ id: string[]; title: string[]; own: number[] }>(await this.held.titles.get(block)!);
    return { titles: await titles, places: await this.placesOf(block) };
  }

  private async placesOf(block: number): Promise<Places> {
    await this.fetch("places", [block]);
    const data = columns(await unpack(await this.held.places.get(block)!), [4, 4, 4, 4, 8, 8]);
    return { boxes: data.slice(0, 4).map((one) => new Int32Array(one)), times: data.slice(4).map((one) => new Float64Array(one)) };
  }

  /** Reads places or titles of blocks; those that lie together are read together. */
  async fetch(kind: Kind, blocks: readonly number[]): Promise<void> {
    const starts = (await this.layout())[kind];
    const held = this.held[kind];
    const together: number[][] = [];
    for (const block of blocks.filter((one) => !held.has(one))) {
      const last = together.at(-1);
      if (last && starts[block]! - starts[last.at(-1)! + 1]! <= GAP) last.push(block);
      else together.push([block]);
    }
    for (const several of together) {
      const start = starts[several[0]!]!;
      const data = this.file.bytes(start, starts[several.at(-1)! + 1]! - start);
      for (const one of several) held.set(one, data.then((all) => all.subarray(starts[one]! - start, starts[one + 1]! - start)));
      data.catch(() => several.forEach((one) => held.delete(one)));
    }
    await Promise.all(blocks.map((one) => held.get(one)));
  }

  /** Bytes of places that reading blocks would cost. */
  async cost(blocks: readonly number[]): Promise<number> {
    const starts = (await this.layout()).places;
    return blocks.reduce((sum, one) => sum + (this.held.places.has(one) ? 0 : starts[one + 1]! - starts[one]!), 0);
  }

  /** Where places and titles of each block begin, and the last of them ends. */
  private async layout(): Promise<Record<Kind, number[]>> {
    const sizes = await this.table("sizes", 2);
    const starts = (kind: Kind, at: number): number[] => {
      let place = this.head.blocks[kind];
      return [place, ...Array.from(sizes[at]!, (size) => (place += size))];
    };
    return { places: starts("places", 0), titles: starts("titles", 1) };
  }
}

async function json<T>(data: Uint8Array): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await unpack(data))) as T;
}

/** Takes rows apart that stand as runs: the gap before each and its length less one, in sevens of bits. */
function eachRun(data: Uint8Array, use: (from: number, to: number) => void): void {
  let [row, at, number] = [0, 0, 0];
  while (at < data.length) {
    let shift = 1;
    let value = 0;
    for (;;) {
      const part = data[at++]!;
      value += (part & 127) * shift;
      if (part < 128) break;
      shift *= 128;
    }
    if (number % 2 === 0) row += value;
    else use(row, (row += value + 1));
    number += 1;
  }
}

/** Order by code points, as Python sorts; that of JavaScript is by UTF-16 units. */
function after(one: string, other: string): boolean {
  const [a, b] = [Array.from(one, (c) => c.codePointAt(0)!), Array.from(other, (c) => c.codePointAt(0)!)];
  const at = a.findIndex((code, place) => code !== b[place]);
  return at >= 0 && (at >= b.length || a[at]! > b[at]!);
}
