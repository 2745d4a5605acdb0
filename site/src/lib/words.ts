// The words of the page: the templates hand them over, so that translators touch one file only.

/** Looks up words by key and fills in `{name}`; an unknown key shows itself. */
export type Words = (key: string, values?: Record<string, string | number>) => string;

/** Reads the words from one of the element's data attributes (JSON), `data-words` usually; the templates write them. */
export function wordsOf(element: HTMLElement, attribute = "words"): Words {
  const table = JSON.parse(element.dataset[attribute] ?? "{}") as Record<string, string>;
  return (key, values = {}) =>
    (table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
