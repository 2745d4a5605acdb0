/** Reads parts of files by HTTP ranges: what is asked for at the same time and lies close together is one request. */

import { ReadError } from "./trouble";

export interface Part {
  url: string;
  offset: number;
  length: number;
}

/** A stretch of a file that one request fetches, with the parts that lie in it. */
export interface Span extends Part {
  parts: number[];
}

export interface Cost {
  requests: number;
  bytes: number;
}

/** By what a file is known to be the one that the references were made of. */
export interface Version {
  size?: number | undefined;
  etag?: string | undefined;
}

export const GAP = 64 * 1024;
export const MOST = 8 * 1024 * 1024;
const WAIT_MS = 2;
const AT_ONCE = 6;

/** Joins parts whose gaps are small into spans of at most 8 MiB; `builder/references/readcost.py` counts likewise. */
export function spans(parts: readonly Part[]): Span[] {
  const order = parts.map((_, index) => index);
  order.sort((a, b) => {
    const [one, other] = [parts[a]!, parts[b]!];
    return one.url === other.url ? one.offset - other.offset : one.url < other.url ? -1 : 1;
  });
  const found: Span[] = [];
  for (const index of order) {
    const part = parts[index]!;
    const last = found.at(-1);
    const end = part.offset + part.length;
    if (last && last.url === part.url && part.offset - (last.offset + last.length) <= GAP && end - last.offset <= MOST) {
      last.length = Math.max(last.length, end - last.offset);
      last.parts.push(index);
    } else found.push({ ...part, parts: [index] });
  }
  return found;
}

export function cost(parts: readonly Part[]): Cost {
  const found = spans(parts);
  return { requests: found.length, bytes: found.reduce((sum, span) => sum + span.length, 0) };
}

interface Waiting {
  part: Part;
  done: (data: Uint8Array) => void;
  failed: (trouble: unknown) => void;
}

/** Fetches parts; `spent` counts requests and bytes. */
export class Ranges {
  readonly spent: Cost = { requests: 0, bytes: 0 };
  private waiting: Waiting[] = [];
  private queue: (() => Promise<void>)[] = [];
  private running = 0;

  constructor(
    private readonly version: Version = {},
    private readonly get_: typeof fetch = (...asked) => fetch(...asked),
    private readonly signal?: AbortSignal,
  ) {}

  get(part: Part): Promise<Uint8Array> {
    return new Promise((done, failed) => {
      this.waiting.push({ part, done, failed });
      if (this.waiting.length === 1) setTimeout(() => this.flush(), WAIT_MS);
    });
  }

  private flush(): void {
    const asked = this.waiting;
    this.waiting = [];
    for (const span of spans(asked.map((one) => one.part))) {
      this.queue.push(async () => {
        try {
          const data = await this.fetch(span);
          for (const index of span.parts) {
            const { part, done } = asked[index]!;
            const from = part.offset - span.offset;
            done(data.subarray(from, from + part.length));
          }
        } catch (trouble) {
          for (const index of span.parts) asked[index]!.failed(trouble);
        }
      });
    }
    this.next();
  }

  private next(): void {
    while (this.running < AT_ONCE && this.queue.length > 0) {
      this.running += 1;
      void this.queue.shift()!().finally(() => {
        this.running -= 1;
        this.next();
      });
    }
  }

  private async fetch(span: Span): Promise<Uint8Array> {
    const headers = { Range: `bytes=${span.offset}-${span.offset + span.length - 1}` };
    const silent = (trouble: unknown): never => {
      if (this.signal?.aborted) throw trouble;
      throw new ReadError("answer", new URL(span.url).host);
    };
    const signal = this.signal ? { signal: this.signal } : {};
    const answer = await this.get_(span.url, { headers, credentials: "omit", ...signal }).catch(silent);
    this.check(answer, span);
    const data = new Uint8Array(await answer.arrayBuffer().catch(silent));
    if (data.length !== span.length) throw new ReadError("changed", `${data.length} of ${span.length} bytes`);
    this.spent.requests += 1;
    this.spent.bytes += data.length;
    return data;
  }

  /** Refuses answers that are no part of a file, or a part of another file than the references were made of. */
  private check(answer: Response, span: Span): void {
    if (answer.status === 416) throw new ReadError("changed", "it is shorter");
    if (answer.status === 200) throw new ReadError("range", new URL(span.url).host);
    if (answer.status !== 206) throw new ReadError("answer", `${new URL(span.url).host}: ${answer.status}`);
    const total = /\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "")?.[1];
    if (total !== undefined && this.version.size !== undefined && Number(total) !== this.version.size)
      throw new ReadError("changed", `${this.version.size} → ${total} B`);
    const etag = answer.headers.get("ETag");
    if (etag !== null && this.version.etag !== undefined && bare(etag) !== bare(this.version.etag))
      throw new ReadError("changed", "ETag");
  }
}

/** An entity tag without the mark of weakness and the suffixes of servers that compress. */
function bare(etag: string): string {
  return etag.replace(/^W\//, "").replace(/(-gzip|;gzip|--gzip)(?="?$)/, "");
}
