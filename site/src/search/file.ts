/** Reads parts of the data file of the index, each once; of a server that knows no ranges, the whole of a small one. */

import { kept } from "../lib/kept";

/** Bytes of an index that is read whole where the server sends it only so. */
const WHOLE = 8 * 2 ** 20;

export class DataFile {
  readonly spent = { requests: 0, bytes: 0 };
  private readonly known = new Map<string, Promise<Uint8Array>>();
  private readonly whole = new Map<string, Promise<Uint8Array>>();

  constructor(private readonly url: string) {}

  bytes(place: number, length: number): Promise<Uint8Array> {
    if (length === 0) return Promise.resolve(new Uint8Array());
    return kept(this.known, `${place} ${length}`, () => this.part(place, length));
  }

  async unpacked(place: number, length: number): Promise<Uint8Array> {
    return unpack(await this.bytes(place, length));
  }

  private async part(place: number, length: number): Promise<Uint8Array> {
    const whole = this.whole.get(this.url);
    if (whole) return (await whole).subarray(place, place + length);
    const answer = await fetch(this.url, { headers: { Range: `bytes=${place}-${place + length - 1}` } });
    this.spent.requests += 1;
    if (answer.status === 200) {
      return (await kept(this.whole, this.url, () => this.all(answer))).subarray(place, place + length);
    }
    if (answer.status !== 206) throw new Error(`${this.url}: ${answer.status}`);
    const data = new Uint8Array(await answer.arrayBuffer());
    if (data.length !== length) throw new Error(`${this.url}: ${data.length}`);
    this.spent.bytes += length;
    return data;
  }

  /** Throws the key of a message where the file is too large to be read whole. */
  private async all(answer: Response): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    const reader = answer.body!.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      parts.push(read.value);
      this.spent.bytes += read.value.length;
      length += read.value.length;
      if (length > WHOLE || Number(answer.headers.get("content-length")) > WHOLE) {
        await reader.cancel();
        throw new Error("no_ranges");
      }
    }
    const data = new Uint8Array(length);
    let place = 0;
    for (const part of parts) {
      data.set(part, place);
      place += part.length;
    }
    return data;
  }
}

export async function unpack(data: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Columns of numbers that were written by the significance of their bytes; the size is that of one number. */
export function columns(data: Uint8Array, sizes: readonly number[]): ArrayBuffer[] {
  const count = data.length / sizes.reduce((sum, size) => sum + size, 0);
  let start = 0;
  return sizes.map((size) => {
    const column = new Uint8Array(size * count);
    for (let part = 0; part < size; part += 1)
      for (let row = 0; row < count; row += 1) column[row * size + part] = data[start + part * count + row]!;
    start += size * count;
    return column.buffer;
  });
}
