/** The search page: what the form asks stands in the address; counts come first, then titles. */

import type { Words } from "../lib/words";
import { askedOf, CHOICES, DEGREE, FACETS, type Asked } from "./asked";
import { inTurn, Index, type Hit } from "./index";

const PAGE = 20;
const MOST_VALUES = 12;
const SIDES = ["west", "south", "east", "north"] as const;

export async function start(element: HTMLElement, words: Words): Promise<void> {
  const index = await Index.open();
  await new Search(element, words, index).show();
}

function made<K extends keyof HTMLElementTagNameMap>(tag: K, text = "", more: Record<string, string> = {}): HTMLElementTagNameMap[K] {
  const one = document.createElement(tag);
  one.textContent = text;
  for (const [name, value] of Object.entries(more)) one.setAttribute(name, value);
  return one;
}

class Search {
  private readonly form: HTMLFormElement;
  private readonly say: HTMLElement;
  private readonly list: HTMLElement;
  private readonly facets: HTMLElement;
  private turn = 0;

  constructor(element: HTMLElement, private readonly words: Words, private readonly index: Index) {
    this.form = element.querySelector("form")!;
    this.say = element.querySelector("[data-say]")!;
    this.list = element.querySelector("[data-hits]")!;
    this.facets = element.querySelector("[data-facets]")!;
    this.form.hidden = false;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.go(this.written());
    });
    this.facets.addEventListener("change", () => this.go(this.written()));
    addEventListener("popstate", () => void this.show());
  }

  private go(address: URLSearchParams): void {
    history.pushState(null, "", `?${address}`);
    void this.show();
  }

  private field(name: string): HTMLInputElement {
    return this.form.elements.namedItem(name) as HTMLInputElement;
  }

  /** What the fields say, as an address. */
  private written(): URLSearchParams {
    const address = new URLSearchParams();
    const q = this.field("q").value.trim();
    if (q) address.set("q", q);
    const sides = SIDES.map((side) => this.field(side).value.trim());
    if (sides.some(Boolean)) address.set("bbox", sides.map((side, at) => side || ["-180", "-90", "180", "90"][at]!).join(","));
    const [from, to] = [this.field("from").value.trim(), this.field("to").value.trim()];
    if (from || to) address.set("time", `${from || ".."}/${to || ".."}`);
    for (const box of this.facets.querySelectorAll<HTMLInputElement>("input:checked")) address.append(box.name, box.value);
    return address;
  }

  /** Puts what the address asks into the fields. */
  private fill(address: URLSearchParams): void {
    this.field("q").value = address.getAll("q").join(" ");
    const sides = (address.get("bbox") ?? "").split(",");
    SIDES.forEach((side, at) => (this.field(side).value = sides[at] ?? ""));
    const [from = "", to = from] = (address.get("time") ?? "").split("/");
    this.field("from").value = from === ".." ? "" : from;
    this.field("to").value = to === ".." ? "" : to;
  }

  async show(): Promise<void> {
    const turn = (this.turn += 1);
    const address = new URLSearchParams(location.search);
    this.fill(address);
    this.list.replaceChildren();
    delete this.list.dataset["done"];
    try {
      const asked = askedOf(address);
      const found = await this.index.candidates(asked);
      await inTurn(this.blocks(found), (number) => this.index.settle(number, found, asked));
      if (turn !== this.turn) return;
      const rows: number[] = [];
      found.forEach((yes, row) => yes && rows.push(row));
      this.say.textContent = this.words("found", { n: rows.length.toLocaleString("en") });
      await this.page(rows, Math.max(1, Number(address.get("page") ?? 1) || 1), turn);
      await this.count(found, asked, turn);
    } catch (trouble) {
      if (turn !== this.turn) return;
      this.say.textContent = this.words(trouble instanceof Error && trouble.message.startsWith("bad_") ? trouble.message : "broken");
    }
    this.list.dataset["done"] = `${this.index.spent.requests} ${this.index.spent.bytes}`;
  }

  private blocks(found: Uint8Array): number[] {
    const all = Array.from({ length: this.index.count }, (_, number) => number);
    return all.filter((number) => found.subarray(...this.index.span(number)).includes(1));
  }

  private async page(rows: readonly number[], page: number, turn: number): Promise<void> {
    const hits = await this.index.hits(rows.slice((page - 1) * PAGE, page * PAGE));
    if (turn !== this.turn) return;
    const list = made("ol", "", { class: "plain", start: String((page - 1) * PAGE + 1) });
    list.append(...hits.map((hit) => this.line(hit)));
    const steps = made("p");
    if (page > 1) steps.append(this.step("previous", page - 1), " ");
    if (page * PAGE < rows.length) steps.append(this.step("next", page + 1));
    this.list.replaceChildren(list, steps);
  }

  private step(key: string, page: number): HTMLAnchorElement {
    const address = new URLSearchParams(location.search);
    address.set("page", String(page));
    const link = made("a", this.words(key), { href: `?${address}`, class: "button" });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      this.go(address);
      this.say.focus();
    });
    return link;
  }

  private line(hit: Hit): HTMLElement {
    const line = made("li", "", { "data-id": hit.id });
    const tail = hit.own ? "/index.html" : ".html";
    const href = `../${[hit.shelf.partner, hit.shelf.id, hit.id].map(encodeURIComponent).join("/")}${tail}`;
    const about = [hit.shelf.title, when(hit), where(hit)].filter(Boolean).join(" · ");
    line.append(made("a", hit.title, { href }), made("br"), made("small", about));
    return line;
  }

  /** Counts the values of every facet among what was found. */
  private async count(found: Uint8Array, asked: Asked, turn: number): Promise<void> {
    const groups: HTMLElement[] = [];
    for (const name of CHOICES) {
      const counts = await this.counted(name, found, asked);
      if (counts.length > 0) groups.push(this.group(name, counts, asked.chosen.get(name) ?? []));
    }
    if (turn === this.turn) {
      const kept = document.activeElement instanceof HTMLInputElement ? document.activeElement : undefined;
      this.facets.replaceChildren(...groups);
      if (kept?.type === "checkbox")
        [...this.facets.querySelectorAll("input")].find((one) => one.name === kept.name && one.value === kept.value)?.focus();
    }
  }

  private async counted(name: string, found: Uint8Array, asked: Asked): Promise<[string, string, number][]> {
    const counts = new Map<string, [string, number]>();
    if ((FACETS as readonly string[]).includes(name)) {
      const chosen = asked.chosen.get(name) ?? [];
      const values = [...new Set([...chosen, ...(this.index.head.facets[name] ?? []).slice(0, MOST_VALUES).map(([one]) => one)])];
      const lists = await Promise.all(values.map((value) => this.index.having(`${name}:${value}`)));
      values.forEach((value, at) => counts.set(value, [value, both(found, lists[at]!)]));
    } else
      for (const one of this.index.head.collections) {
        const [key, title] = name === "collection" ? [one.id, one.title] : [one.partner, one.partner_title];
        const more = found.subarray(...one.rows).reduce((sum, yes) => sum + yes, 0);
        counts.set(key, [title, (counts.get(key)?.[1] ?? 0) + more]);
      }
    const kept = [...counts].filter(([key, [, count]]) => count > 0 || asked.chosen.get(name)?.includes(key));
    return kept.map(([key, [title, count]]) => [key, title, count]);
  }

  private group(name: string, counts: readonly [string, string, number][], chosen: readonly string[]): HTMLElement {
    const group = made("fieldset");
    group.append(made("legend", this.words(`facet.${name}`)));
    for (const [value, title, count] of counts) {
      const label = made("label");
      const box = made("input", "", { type: "checkbox", name, value });
      box.checked = chosen.includes(value);
      label.append(box, ` ${title.replaceAll("_", " ")} `, made("small", count.toLocaleString("en")));
      group.append(label);
    }
    return group;
  }
}

function both(one: Uint8Array, other: Uint8Array): number {
  let sum = 0;
  for (let row = 0; row < one.length; row += 1) sum += one[row]! & other[row]!;
  return sum;
}

function when({ time: [start, length] }: Hit): string {
  const day = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  if (start < -62135596000) return "";
  const [from, to] = [day(start), start + length > 253402300000 ? "…" : day(start + length)];
  return from === to ? from : `${from} – ${to}`;
}

function where({ box: [west, south, width, height] }: Hit): string {
  if (width < 0) return "";
  const side = (value: number, [plus, minus]: readonly [string, string]): string =>
    `${Number((Math.abs(value) / DEGREE).toFixed(2))}°${value < 0 ? minus : plus}`;
  const east = west + width > 180 * DEGREE ? west + width - 360 * DEGREE : west + width;
  const range = (a: string, b: string): string => (a === b ? a : `${a} – ${b}`);
  return `${range(side(south, ["N", "S"]), side(south + height, ["N", "S"]))}, ${range(side(west, ["E", "W"]), side(east, ["E", "W"]))}`;
}
