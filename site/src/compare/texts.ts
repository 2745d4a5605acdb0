/** The words of the page that compares: its own, and those of the live map and of the panel that it is made of. */

import { wordsOf, type Words } from "../lib/words";

export interface Texts {
  own: Words;
  map: Words;
  panel: Words;
}

export function textsOf(element: HTMLElement): Texts {
  return { own: wordsOf(element), map: wordsOf(element, "mapWords"), panel: wordsOf(element, "panelWords") };
}
