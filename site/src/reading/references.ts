/** kerchunk references, from a JSON document or a folder of Parquet files: where each chunk of each array lies. */

import { parquetReadObjects } from "hyparquet";
import { decompress } from "fzstd";
import { kept } from "../lib/kept";
import type { Part } from "./ranges";
import { ReadError } from "./trouble";

type Json = Record<string, unknown>;

export interface References {
  /** Metadata documents by key: `.zgroup`, `temp/.zarray` … */
  readonly documents: ReadonlyMap<string, Json>;
  /** Chunks: bytes kept in the references, a part of a file, or nothing where none was written. */
  locate(name: string, key: string): Promise<Uint8Array | Part | undefined>;
}

export async function openReferences(href: string, get: typeof fetch = (...asked) => fetch(...asked)): Promise<References> {
  if (/\.parquet\/?$/.test(href)) return openParquet(href.replace(/\/$/, ""), get);
  return fromJson((await fetched(href, get).then((answer) => answer.json())) as { refs?: Json });
}

async function fetched(href: string, get: typeof fetch): Promise<Response> {
  const answer = await get(href, { credentials: "omit" }).catch(() => undefined);
  if (!answer?.ok) throw new ReadError("answer", `${href.split("/").pop()}: ${answer?.status ?? "–"}`);
  return answer;
}

export function fromJson(body: { refs?: Json }): References {
  const refs = body.refs ?? (body as Json);
  const documents = new Map<string, Json>();
  for (const [key, value] of Object.entries(refs))
    if (/(^|\/)\.z(array|attrs|group)$/.test(key)) documents.set(key, metadata(value));
  return {
    documents,
    locate: async (name, key) => place(refs[`${name}/${key}`]),
  };
}

function metadata(value: unknown): Json {
  return (typeof value === "string" ? parsed(text(value)) : value) as Json;
}

/** Reads JSON, and notes in `valid_reals` that bounds of valid values are real numbers: 10.0, which becomes 10. */
function parsed(json: string): unknown {
  return JSON.parse(json.replace(/"valid_(min|max|range)":(?=\s*\[?[^\],}]*[.eE])/g, '"valid_reals":true,$&'));
}

function text(value: string): string {
  return value.startsWith("base64:") ? new TextDecoder().decode(fromBase64(value.slice(7))) : value;
}

function place(value: unknown): Uint8Array | Part | undefined {
  if (typeof value === "string")
    return value.startsWith("base64:") ? fromBase64(value.slice(7)) : new TextEncoder().encode(value);
  if (!Array.isArray(value)) return undefined;
  const [url, offset, length] = value as [string, number?, number?];
  if (offset === undefined || length === undefined) throw new ReadError("layout", "a whole file as a chunk");
  return { url, offset, length };
}

function fromBase64(words: string): Uint8Array {
  return Uint8Array.from(atob(words), (letter) => letter.charCodeAt(0));
}

interface Row {
  path?: string | null;
  offset: number | bigint;
  size: number | bigint;
  raw?: Uint8Array | null;
}

/** References in Parquet: one row a chunk, `record_size` rows a file, in the order of the chunk grid. */
async function openParquet(folder: string, get: typeof fetch): Promise<References> {
  const head = parsed(await fetched(`${folder}/.zmetadata`, get).then((answer) => answer.text())) as {
    metadata: Json;
    record_size: number;
  };
  const documents = new Map(Object.entries(head.metadata).map(([key, value]) => [key, metadata(value)]));
  const files = new Map<string, Promise<Row[]>>();
  const rows = (path: string): Promise<Row[]> => kept(files, path, () => readRows(`${folder}/${path}`, get));
  return {
    documents,
    async locate(name, key) {
      const array = documents.get(`${name}/.zarray`) as { shape: number[]; chunks: number[] } | undefined;
      if (!array) return undefined;
      const grid = array.shape.map((length, axis) => Math.ceil(length / array.chunks[axis]!));
      const number = grid.length === 0 ? 0 : key.split(".").reduce((sum, part, axis) => sum * grid[axis]! + Number(part), 0);
      const file = await rows(`${name}/refs.${Math.floor(number / head.record_size)}.parq`);
      const row = file[number % head.record_size];
      if (!row) return undefined;
      if (row.raw) return row.raw;
      return row.path ? { url: row.path, offset: Number(row.offset), length: Number(row.size) } : undefined;
    },
  };
}

async function readRows(href: string, get: typeof fetch): Promise<Row[]> {
  const file = await fetched(href, get).then((answer) => answer.arrayBuffer());
  const compressors = {
    ZSTD: (input: Uint8Array, length: number): Uint8Array => decompress(input, new Uint8Array(length)),
  };
  return (await parquetReadObjects({ file, compressors, utf8: false })) as unknown as Row[];
}
