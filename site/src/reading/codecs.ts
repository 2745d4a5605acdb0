/** Codecs of our references that zarrita lacks, in plain JavaScript: the pages' policy allows no WebAssembly. */

import { decompress } from "fzstd";
import { registry } from "zarrita";
import { ReadError } from "./trouble";

interface Codec {
  kind: "bytes_to_bytes";
  encode(data: Uint8Array): Uint8Array;
  decode(data: Uint8Array): Uint8Array;
}

function codec(decode: (data: Uint8Array) => Uint8Array): Codec {
  return {
    kind: "bytes_to_bytes",
    encode() {
      throw new ReadError("codec", "encode");
    },
    decode,
  };
}

function register(name: string, make: (settings: Record<string, unknown>) => (data: Uint8Array) => Uint8Array): void {
  const entry = { fromConfig: (settings: unknown) => codec(make((settings ?? {}) as Record<string, unknown>)) };
  registry.set(`numcodecs.${name}`, (() => entry) as never);
}

let done = false;

export function registerCodecs(): void {
  if (done) return;
  done = true;
  register("zstd", () => (data) => decompress(data));
  register("fletcher32", () => (data) => checked(data));
  register("record_member", ({ dtype, member }) => recordMember(String(dtype), String(member)));
  for (const name of ["blosc", "bz2", "lz4", "lzma"])
    register(name, () => () => {
      throw new ReadError("codec", name);
    });
}

/** Takes off the checksum of HDF5 (`H5_checksum_fletcher32`) after comparing it. */
function checked(data: Uint8Array): Uint8Array {
  const body = data.subarray(0, data.length - 4);
  const said = new DataView(data.buffer, data.byteOffset + body.length, 4).getUint32(0, true);
  if (fletcher32(body) !== said) throw new ReadError("changed", "fletcher32");
  return body;
}

/** Fletcher's checksum over big-endian 16-bit words; an odd last byte is the high half of a word. */
export function fletcher32(data: Uint8Array): number {
  let low = 0;
  let high = 0;
  const words = data.length >> 1;
  for (let first = 0; first < words; first += 360) {
    const last = Math.min(first + 360, words);
    for (let word = first; word < last; word += 1) {
      low += (data[2 * word]! << 8) | data[2 * word + 1]!;
      high += low;
    }
    low = (low & 0xffff) + (low >>> 16);
    high = (high & 0xffff) + (high >>> 16);
  }
  if (data.length % 2 === 1) {
    low += data[data.length - 1]! << 8;
    high += low;
    low = (low & 0xffff) + (low >>> 16);
    high = (high & 0xffff) + (high >>> 16);
  }
  low = (low & 0xffff) + (low >>> 16);
  high = (high & 0xffff) + (high >>> 16);
  return ((high << 16) | low) >>> 0;
}

/** Picks one member out of records as NumPy describes them: `V8,(24,)>i2,V136`, members `f0`, `f1` … */
function recordMember(dtype: string, member: string): (data: Uint8Array) => Uint8Array {
  const sizes = [...dtype.matchAll(/(?:\(([\d,]*)\))?([<>|]?[A-Za-z])(\d+)(?=,|$)/g)].map(([, shape, , size]) => {
    const count = (shape ?? "").split(",").filter(Boolean).reduce((product, length) => product * Number(length), 1);
    return count * Number(size);
  });
  const chosen = Number(member.slice(1));
  const before = sizes.slice(0, chosen).reduce((sum, size) => sum + size, 0);
  const record = sizes.reduce((sum, size) => sum + size, 0);
  const own = sizes[chosen];
  if (own === undefined) throw new ReadError("layout", dtype);
  return (data) => {
    const count = Math.floor(data.length / record);
    const out = new Uint8Array(count * own);
    for (let row = 0; row < count; row += 1) {
      const from = row * record + before;
      out.set(data.subarray(from, from + own), row * own);
    }
    return out;
  };
}
