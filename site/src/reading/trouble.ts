/** What can go wrong while reading, named so that the page can say it in words of its language. */

export type Trouble = "changed" | "answer" | "range" | "codec" | "layout" | "calendar" | "large" | "heavy" | "empty";

export class ReadError extends Error {
  constructor(
    readonly trouble: Trouble,
    readonly detail: string,
  ) {
    super(`${trouble}: ${detail}`);
    this.name = "ReadError";
  }
}
