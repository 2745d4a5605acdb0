/** Reads the index of the catalogue by ranges; `builder/index` writes it. */

import { DEGREE, FACETS, type Asked, type Box } from "./asked";

export interface Shelf {
  id: string;
  title: string;
  partner: string;
  partner_title: string;
  rows: [number, number];
}

type Entry = [string, number, number, number];

interface Head {
  rows: number;
  block: number;
  data: string;
  collections: Shelf[];
  facets: Record<string, Entry[]>;
  words: { first: string[]; at: number[] };
  blocks: { bounds: number[][]; places: number[]; titles: number[] };
}

export interface Hit {
  shelf: Shelf;
  id: string;
  title: string;
  own: boolean;
  box: [number, number, number, number];
  time: [number, number];
}

const CIRCLE = 360 * DEGREE;
const AT_ONCE = 6;

export class Index {
  readonly spent = { requests: 0, bytes: 0 };
  private readonly lists = new Map<string, Promise<Uint8Array>>();

  private constructor(
    readonly head: Head,
    private readonly url: string,
  ) {}

  static async open(): Promise<Index> {
    const answer = await fetch(new URL("index.json", location.href));
    if (!answer.ok) throw new Error(`index.json: ${answer.status}`);
    const head = (await answer.json()) as Head;
    return new Index(head, new URL(head.data, location.href).href);
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
        const list = await this.having(`${name}:${value}`);
        for (let row = 0; row < found.length; row += 1) found[row]! |= list[row]!;
      } else
        for (const one of this.head.collections)
          if ((name === "collection" ? one.id : one.partner) === value) found.fill(1, ...one.rows);
    }
    return found;
  }

  /** Rows that have a word, or a value of a facet as `name:value`. */
  having(term: string): Promise<Uint8Array> {
    const known = this.lists.get(term) ?? this.sought(term);
    this.lists.set(term, known);
    return known;
  }

  private async sought(term: string): Promise<Uint8Array> {
    const { first, at } = this.head.words;
    let page = -1;
    while (page + 1 < first.length && !after(first[page + 1]!, term)) page += 1;
    const entries = page < 0 ? [] : ((await this.json(at, page)) as Entry[]);
    const entry = entries.find(([word]) => word === term);
    const found = new Uint8Array(this.head.rows);
    if (!entry) return found;
    const data = await unpack(await this.bytes(entry[2], entry[3]));
    let [row, at_, number] = [0, 0, 0];
    while (at_ < data.length) {
      let shift = 1;
      let value = 0;
      for (;;) {
        const part = data[at_++]!;
        value += (part & 127) * shift;
        if (part < 128) break;
        shift *= 128;
      }
      if (number % 2 === 0) row += value;
      else found.fill(1, row, (row += value + 1));
      number += 1;
    }
    return found;
  }

  /** Strikes out the rows of a block that are elsewhere or at another time; reads it only where its bounds do not say. */
  async settle(number: number, found: Uint8Array, asked: Asked): Promise<void> {
    const [start, end] = this.span(number);
    const said = this.judged(number, asked);
    if (said === "none") found.fill(0, start, end);
    if (said !== "some" || !found.subarray(start, end).includes(1)) return;
    const { boxes, times } = await this.places(number);
    const [first, last] = asked.period ?? [-Infinity, Infinity];
    for (let row = start; row < end; row += 1) {
      const place = row - start;
      const there = !asked.box || meets(boxes.map((side) => side[place]!), asked.box);
      if (!there || times[0]![place]! > last || times[0]![place]! + times[1]![place]! < first) found[row] = 0;
    }
  }

  get count(): number {
    return this.head.blocks.places.length - 1;
  }

  span(number: number): [number, number] {
    return [number * this.head.block, Math.min((number + 1) * this.head.block, this.head.rows)];
  }

  private judged(number: number, { box, period }: Asked): "all" | "none" | "some" {
    if (!box && !period) return "all";
    const bounds = this.head.blocks.bounds.map((column) => column[number]!);
    const [west, width, south, north, from, to, unplaced] = bounds as [number, number, number, number, number, number, number];
    const around = [west * DEGREE, south * DEGREE, width * DEGREE, (north - south) * DEGREE];
    if (box && (width < 0 || !meets(around, box))) return "none";
    if (period && (to * 86400 < period[0] || from * 86400 > period[1])) return "none";
    const inside = !box || (unplaced === 0 && within(around, box));
    return inside && (!period || (from * 86400 >= period[0] && to * 86400 <= period[1])) ? "all" : "some";
  }

  /** What is shown of rows that answer. */
  async hits(rows: readonly number[]): Promise<Hit[]> {
    const blocks = [...new Set(rows.map((row) => Math.floor(row / this.head.block)))];
    const read = new Map(
      await Promise.all(
        blocks.map(async (one) => {
          const titles = this.json(this.head.blocks.titles, one) as Promise<{ id: string[]; title: string[]; own: number[] }>;
          return [one, { titles: await titles, places: await this.places(one) }] as const;
        }),
      ),
    );
    return rows.map((row) => {
      const { titles, places } = read.get(Math.floor(row / this.head.block))!;
      const at = row % this.head.block;
      const shelf = this.head.collections.find((one) => row < one.rows[1])!;
      const box = places.boxes.map((side) => side[at]!) as Hit["box"];
      const time = places.times.map((side) => side[at]!) as Hit["time"];
      return { shelf, id: titles.id[at]!, title: titles.title[at]!, own: titles.own.includes(at), box, time };
    });
  }

  private async places(number: number): Promise<{ boxes: Int32Array[]; times: Float64Array[] }> {
    const { places } = this.head.blocks;
    const data = await unpack(await this.bytes(places[number]!, places[number + 1]! - places[number]!));
    const count = data.length / 32;
    const column = (start: number, size: number): ArrayBuffer => {
      const whole = new Uint8Array(size * count);
      for (let part = 0; part < size; part += 1)
        for (let row = 0; row < count; row += 1) whole[row * size + part] = data[(start + part) * count + row]!;
      return whole.buffer;
    };
    return {
      boxes: [0, 4, 8, 12].map((start) => new Int32Array(column(start, 4))),
      times: [16, 24].map((start) => new Float64Array(column(start, 8))),
    };
  }

  private async json(at: readonly number[], number: number): Promise<unknown> {
    const data = await unpack(await this.bytes(at[number]!, at[number + 1]! - at[number]!));
    return JSON.parse(new TextDecoder().decode(data));
  }

  private readonly read = new Map<number, Promise<Uint8Array>>();

  private bytes(place: number, length: number): Promise<Uint8Array> {
    const known = this.read.get(place) ?? this.fetch(place, length);
    this.read.set(place, known);
    return known;
  }

  private async fetch(place: number, length: number): Promise<Uint8Array> {
    const answer = await fetch(this.url, { headers: { Range: `bytes=${place}-${place + length - 1}` } });
    if (!answer.ok) throw new Error(`${this.head.data}: ${answer.status}`);
    const data = new Uint8Array(await answer.arrayBuffer());
    this.spent.requests += 1;
    this.spent.bytes += data.length;
    return answer.status === 206 ? data : data.subarray(place, place + length);
  }
}

export async function inTurn(numbers: readonly number[], work: (number: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < numbers.length; first += AT_ONCE)
    await Promise.all(numbers.slice(first, first + AT_ONCE).map(work));
}

async function unpack(data: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Order by code points, as Python sorts; that of JavaScript is by UTF-16 units. */
function after(one: string, other: string): boolean {
  const [a, b] = [Array.from(one, (c) => c.codePointAt(0)!), Array.from(other, (c) => c.codePointAt(0)!)];
  const at = a.findIndex((code, place) => code !== b[place]);
  return at >= 0 && (at >= b.length || a[at]! > b[at]!);
}

const turn = (degrees: number): number => ((degrees % CIRCLE) + CIRCLE) % CIRCLE;

function meets([west, south, width, height]: readonly number[], [qWest, qSouth, qWidth, qNorth]: Box): boolean {
  const north = south! + height!;
  const along =
    turn(qWest - west!) <= width! || turn(west! - qWest) <= qWidth || width! >= CIRCLE || qWidth >= CIRCLE ||
    (qNorth === 90 * DEGREE && north === qNorth) || (qSouth === -90 * DEGREE && south === qSouth);
  return along && width! >= 0 && south! <= qNorth && north >= qSouth;
}

function within([west, south, width, height]: readonly number[], [qWest, qSouth, qWidth, qNorth]: Box): boolean {
  const along = turn(west! - qWest) + width! <= qWidth || qWidth >= CIRCLE;
  return along && south! >= qSouth && south! + height! <= qNorth && width! >= 0;
}
