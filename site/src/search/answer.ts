/** Answers a question of the search page block by block: the first rows soon, the exact number when it is known. */

import type { Asked } from "./asked";
import type { Index } from "./index";

/** Blocks that are read at once: at first, and at most. */
const AHEAD = [8, 32] as const;

export class Answer {
  private constructor(
    private readonly index: Index,
    readonly asked: Asked,
    /** Rows that answer, and those of open blocks that may. */
    readonly found: Uint8Array,
    /** Blocks of which the bounds do not say what answers, in order. */
    private open: number[],
  ) {}

  static async to(asked: Asked, index: Index): Promise<Answer> {
    const [found, verdicts] = await Promise.all([index.candidates(asked), index.verdicts(asked)]);
    const open: number[] = [];
    verdicts.forEach((verdict, block) => {
      const span = index.span(block);
      if (verdict === "none") found.fill(0, ...span);
      else if (verdict === "some" && found.subarray(...span).includes(1)) open.push(block);
    });
    return new Answer(index, asked, found, open);
  }

  /** Least and greatest number of rows that may answer. */
  get between(): [number, number] {
    const most = ones(this.found);
    return [this.open.reduce((sum, block) => sum - ones(this.found.subarray(...this.index.span(block))), most), most];
  }

  /** Bytes that the exact number still costs. */
  left(): Promise<number> {
    return this.index.cost(this.open);
  }

  /** The rows from one place of the answer to another, fewer where more than so many bytes of places do not hold them. */
  async rows(from: number, to: number, most = Infinity): Promise<number[]> {
    let spent = 0;
    for (let ahead: number = AHEAD[0]; ; ahead = Math.min(2 * ahead, AHEAD[1])) {
      const end = this.open.length > 0 ? this.index.span(this.open[0]!)[0] : this.found.length;
      const rows: number[] = [];
      let number = 0;
      for (let row = 0; row < end && number < to; row += 1) if (this.found[row] && number++ >= from) rows.push(row);
      if (number >= to || this.open.length === 0 || spent > most) return rows;
      const next = this.open.slice(0, ahead);
      spent += await this.index.cost(next);
      await this.settle(next);
    }
  }

  /** Settles all that is open. */
  async finish(): Promise<void> {
    while (this.open.length > 0) await this.settle(this.open.slice(0, 4 * AHEAD[1]));
  }

  private async settle(blocks: readonly number[]): Promise<void> {
    await this.index.fetch("places", blocks);
    await Promise.all(blocks.map((block) => this.index.settle(block, this.found, this.asked)));
    this.open = this.open.filter((block) => !blocks.includes(block));
  }
}

export function ones(flags: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < flags.length; at += 1) sum += flags[at]!;
  return sum;
}
