// A part of a page that becomes live: what its module must export.
import type { Words } from "./words";

export interface Part {
  /** Makes the element live; rejects with an Error whose message a reader can understand. */
  start(element: HTMLElement, words: Words): Promise<void> | void;
}
