/** Makes an element with its words and attributes. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  words = "",
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (words) made.textContent = words;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** A colour of the page as it is now: light, dark, or the system's own. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Adds styles that only this part of the page needs. */
export function dress(style: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

/** Puts children into their order without moving those that stand right, so that the focus stays where it is. */
export function arrange(parent: HTMLElement, children: readonly HTMLElement[]): void {
  for (const one of [...parent.children]) if (!children.includes(one as HTMLElement)) one.remove();
  children.forEach((one, at) => parent.children[at] === one || parent.insertBefore(one, parent.children[at] ?? null));
}
