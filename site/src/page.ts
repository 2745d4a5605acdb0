// Entry of every page: wakes a part of the page when the reader asks for it, and fetches its code only then.
import { wordsOf } from "./lib/words";
import type { Part } from "./lib/part";

/** What an element with `data-app="…"` may be; each is fetched when it is first started. */
const PARTS: Record<string, () => Promise<Part>> = {
  compare: () => import("./compare/start"),
  map: () => import("./map/start"),
  read: () => import("./reading/start"),
  search: () => import("./search/start"),
};

/** Runs a part in its element, once; says in words what went wrong. */
async function wake(element: HTMLElement, load: () => Promise<Part>): Promise<void> {
  if (element.dataset["state"]) return;
  element.dataset["state"] = "loading";
  element.setAttribute("aria-busy", "true");
  try {
    await (await load()).start(element, wordsOf(element));
    element.dataset["state"] = "live";
  } catch (trouble) {
    delete element.dataset["state"];
    const said = element.querySelector<HTMLElement>("[data-say]");
    if (said) said.textContent = wordsOf(element)("failed", { why: trouble instanceof Error ? trouble.message : "?" });
  } finally {
    element.removeAttribute("aria-busy");
  }
}

for (const element of document.querySelectorAll<HTMLElement>("[data-app]")) {
  const load = PARTS[element.dataset["app"] ?? ""];
  if (!load) continue;
  const button = element.querySelector<HTMLButtonElement>("[data-start]");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => void wake(element, load));
  }
  if ("auto" in element.dataset) void wake(element, load);
}
