/** What the address of the page asks; `builder/search/page.py` reads it likewise. */

import { wordsIn } from "./words";

export const DEGREE = 1_000_000;
export const FACETS = ["platform", "variable", "year"] as const;
export const CHOICES = ["partner", "collection", ...FACETS] as const;

/** West, south, width and north in millionths of a degree. */
export type Box = readonly [number, number, number, number];

export interface Asked {
  words: string[];
  chosen: Map<string, string[]>;
  box: Box | undefined;
  /** First and last second since 1970. */
  period: readonly [number, number] | undefined;
}

const FIRST = -62135596800;
const LAST = 253402300799.999999;

/** Throws the key of a message where a box or a time cannot be understood. */
export function askedOf(address: URLSearchParams): Asked {
  const chosen = new Map(CHOICES.map((name) => [name, address.getAll(name).filter(Boolean)] as [string, string[]]));
  for (const [name, values] of chosen) if (values.length === 0) chosen.delete(name);
  return {
    words: wordsIn(address.getAll("q").join(" ")),
    chosen,
    box: boxOf(address.get("bbox") ?? ""),
    period: periodOf(address.get("time") ?? ""),
  };
}

function boxOf(text: string): Box | undefined {
  if (!text) return undefined;
  const numbers = text.split(",").map((one) => (one.trim() === "" ? NaN : Math.round(Number(one) * DEGREE)));
  const [west, south, east, north] = numbers as [number, number, number, number];
  const good = numbers.length === 4 && numbers.every(Number.isFinite) && south <= north;
  if (!good || south < -90 * DEGREE || north > 90 * DEGREE || Math.max(Math.abs(west), Math.abs(east)) > 180 * DEGREE)
    throw new Error("bad_box");
  return [west, south, east >= west ? east - west : east - west + 360 * DEGREE, north];
}

function periodOf(text: string): readonly [number, number] | undefined {
  if (!text.replaceAll(/[ ./]/g, "")) return undefined;
  const [from, to, more] = text.split("/");
  if (more !== undefined) throw new Error("bad_time");
  const period = [ends(from!)[0], ends(to ?? from!)[1]] as const;
  if (period[0] > period[1]) throw new Error("bad_time");
  return period;
}

/** First and last second of a year, month or day. */
function ends(text: string): readonly [number, number] {
  const bare = text.trim();
  if (bare === "" || bare === "..") return [FIRST, LAST];
  const found = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/.exec(bare);
  if (!found) throw new Error("bad_time");
  const [year, month, day] = found.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  const at = (y: number, m: number, d: number): number => new Date(0).setUTCFullYear(y, m, d) / 1000;
  const start = at(year!, (month ?? 1) - 1, day ?? 1);
  if (new Date(start * 1000).toISOString().slice(0, bare.length) !== bare) throw new Error("bad_time");
  const next = day ? at(year!, month! - 1, day + 1) : month ? at(year!, month, 1) : at(year! + 1, 0, 1);
  return [start, next - 0.000001];
}
