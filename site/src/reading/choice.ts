/** What is chosen of a variable: which indices along each dimension, and from which to which they are read. */

import type { Selection } from "./dataset";

/** By which part of them numbers of 32 bits may differ from those that were meant. */
export const ROUNDING = 2 ** -23;

export class Choice {
  private readonly kept = new Map<string, readonly number[]>();
  private readonly picked = new Set<string>();

  /** Keeps of a dimension what was kept before and is among these; what was picked stays. */
  keep(dim: string, found: readonly number[]): void {
    if (this.picked.has(dim)) return;
    const among = new Set(found);
    this.kept.set(dim, this.kept.get(dim)?.filter((index) => among.has(index)) ?? found);
  }

  pick(dim: string, index: number): void {
    this.kept.set(dim, [index]);
    this.picked.add(dim);
  }

  /** Picks the first of what is kept of a dimension. */
  first(dim: string): void {
    const [index] = this.kept.get(dim) ?? [];
    if (index !== undefined) this.pick(dim, index);
  }

  /** What is read: from the first to the last of the chosen indices. */
  get selection(): Selection {
    return Object.fromEntries([...this.kept].map(([dim, found]) => [dim, [found[0] ?? 0, (found.at(-1) ?? -1) + 1] as const]));
  }

  /** The chosen indices of dimensions along which others lie between them. */
  get among(): Readonly<Record<string, readonly number[]>> {
    return Object.fromEntries([...this.kept].filter(([, found]) => found.length > 0 && found.length <= found.at(-1)! - found[0]!));
  }
}

/** Indices whose values lie in a range, rounded by a part of it; all without one. */
export function within(values: Float64Array, asked: [number, number] | undefined, rounding = 0): number[] {
  if (!asked) return indices(values, () => true);
  const [from, to] = asked.map((end, side) => (Number.isFinite(end) ? end + (2 * side - 1) * rounding * Math.abs(end) : end)) as [number, number];
  return indices(values, (value) => value >= from && value <= to);
}

/** The index of the value that is nearest to a single one, or indices of those in a range. */
export function nearestTo(values: Float64Array, asked: [number, number] | undefined, rounding = 0): number[] {
  if (!asked || asked[0] !== asked[1]) return within(values, asked, rounding);
  const index = least(values, (value) => Math.abs(value - asked[0]));
  return index < 0 ? [] : [index];
}

export function indices(values: ArrayLike<number>, is: (value: number, index: number) => boolean): number[] {
  return Array.from(values, (_, index) => index).filter((index) => is(values[index]!, index));
}

/** The index where a measure is smallest; -1 where it is no number anywhere. */
export function least(values: ArrayLike<number>, measure: (value: number, index: number) => number): number {
  let [found, smallest] = [-1, Infinity];
  for (let index = 0; index < values.length; index += 1) {
    const far = measure(values[index]!, index);
    if (far < smallest) [found, smallest] = [index, far];
  }
  return found;
}
