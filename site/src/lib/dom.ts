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
