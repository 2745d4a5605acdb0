/** The search page: what the form asks stands in the address; the index comes with the first question. */

import { wordsOf, type Words } from "../lib/words";
import { element } from "../lib/dom";
import { Answer, ones } from "./answer";
import { askedOf, DEGREE, FACETS } from "./asked";
import { Index, type Entry } from "./index";
import type { BoxMap } from "./map";
import { group, line, size, type Value } from "./show";

const PAGE = 20;
const MOST_VALUES = 12;
/** Bytes that are read without asking for the exact number, and for the counts of values. */
const UNASKED = 256 * 1024;
/** Bytes of places that are read for the first titles. */
const FIRST_PLACES = 96 * 1024;
const TROUBLES = ["bad_box", "bad_time", "no_ranges"];
const SIDES = ["west", "south", "east", "north"] as const;

export async function start(element: HTMLElement, words: Words): Promise<void> {
  const search = new Search(element, words);
  if (location.search) await search.show();
}

class Search {
  private readonly form: HTMLFormElement;
  private readonly say: HTMLElement;
  private readonly list: HTMLElement;
  private readonly facets: HTMLElement;
  private readonly more: HTMLElement;
  private readonly region: HTMLSelectElement;
  private index!: Index;
  /** The one opening of the index, for all questions; forgotten when reading fails, since it may have been renewed. */
  private opening: Promise<Index> | undefined;
  /** What the address asked when it was last answered. */
  private answered: string | undefined;
  private turn = 0;
  private map: BoxMap | undefined;
  /** West, south, width and north of the box that is asked, degrees. */
  private box: number[] | undefined;

  constructor(private readonly root: HTMLElement, private readonly words: Words) {
    this.form = root.querySelector("form")!;
    this.say = root.querySelector("[data-say]")!;
    this.list = root.querySelector("[data-hits]")!;
    this.facets = root.querySelector("[data-facets]")!;
    this.more = root.querySelector("[data-more]")!;
    this.region = root.querySelector("[data-region]")!;
    this.region.addEventListener("change", () => this.region.value && this.fillBox(this.region.value));
    this.form.hidden = false;
    this.form.addEventListener("focusin", () => this.turn || void this.show());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.go(this.written());
    });
    for (const side of SIDES) this.field(side).addEventListener("change", () => (this.region.value = ""));
    this.facets.addEventListener("change", () => this.go(this.written()));
    const button = root.querySelector<HTMLButtonElement>("[data-map]")!;
    button.addEventListener("click", () => {
      button.disabled = true;
      this.openMap(button).catch((trouble: unknown) => {
        button.disabled = false;
        this.say.textContent = words("map_failed", { why: trouble instanceof Error ? trouble.message : "?" });
      });
    });
    addEventListener("popstate", () => this.answered === location.search || void this.show());
  }

  /** Puts a map, whose code is fetched now, in place of the button that asks for it. */
  private async openMap(button: HTMLElement): Promise<void> {
    const { BoxMap } = await import("./map");
    this.map = await BoxMap.on(button, this.root.dataset["land"] ?? "", wordsOf(this.root, "mapWords"), this.words, (sides) => {
      this.fillBox(sides.join());
      this.go(this.written());
    });
    this.map.show(this.box);
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
    this.fillBox(address.get("bbox") ?? "");
    const [from = "", to = from] = (address.get("time") ?? "").split("/");
    this.field("from").value = from === ".." ? "" : from;
    this.field("to").value = to === ".." ? "" : to;
  }

  /** Puts a box into the fields; a region is chosen where the box is that of one. */
  private fillBox(bbox: string): void {
    const sides = bbox.split(",");
    SIDES.forEach((side, at) => (this.field(side).value = sides[at] ?? ""));
    this.region.value = bbox;
    if (this.region.selectedIndex < 0) this.region.value = "";
  }

  async show(): Promise<void> {
    const turn = (this.turn += 1);
    this.answered = location.search;
    const address = new URLSearchParams(location.search);
    this.fill(address);
    this.list.replaceChildren();
    this.more.replaceChildren();
    this.say.setAttribute("aria-busy", "true");
    delete this.list.dataset["done"];
    delete this.list.dataset["first"];
    try {
      const asked = askedOf(address);
      this.box = asked.box?.map((side) => side / DEGREE);
      this.map?.show(this.box);
      this.index = await (this.opening ??= Index.open());
      const answer = await Answer.to(asked, this.index);
      const page = Math.max(1, Number(address.get("page") ?? 1) || 1);
      const rows = await answer.rows((page - 1) * PAGE, page * PAGE + 1, FIRST_PLACES);
      if (turn !== this.turn) return;
      this.tell(answer);
      await this.page(rows, page, turn);
      if (turn === this.turn) this.list.dataset["first"] = this.spent;
      await this.number(answer, turn, async () => {
        if (rows.length <= PAGE) await this.page(await answer.rows((page - 1) * PAGE, page * PAGE + 1), page, turn);
      });
      await this.count(answer, turn);
    } catch (trouble) {
      if (turn === this.turn) this.fail(trouble);
    }
    if (turn === this.turn) this.list.dataset["done"] = this.spent;
  }

  /** Requests and bytes of the data file so far. */
  private get spent(): string {
    const { requests, bytes } = this.index?.file.spent ?? { requests: 0, bytes: 0 };
    return `${requests} ${bytes}`;
  }

  private async page(rows: readonly number[], page: number, turn: number): Promise<void> {
    const hits = await this.index.hits(rows.slice(0, PAGE));
    if (turn !== this.turn) return;
    const list = element("ol", "", { class: "plain", start: String((page - 1) * PAGE + 1) });
    list.append(...hits.map(line));
    const steps = element("p");
    if (page > 1) steps.append(this.step("previous", page - 1), " ");
    if (rows.length > PAGE) steps.append(this.step("next", page + 1));
    this.list.replaceChildren(list, steps);
  }

  private step(key: string, page: number): HTMLAnchorElement {
    const address = new URLSearchParams(location.search);
    address.set("page", String(page));
    const link = element("a", this.words(key), { href: `?${address}`, class: "button" });
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.go(address);
      this.say.focus();
    });
    return link;
  }

  /** Says how many were found, once that is known; what a better answer costs is stated before it is read. */
  private async number(answer: Answer, turn: number, complete: () => Promise<void>): Promise<void> {
    const left = await answer.left();
    if (left > 0 && left <= UNASKED) {
      await answer.finish();
      await complete();
    }
    if (turn !== this.turn) return;
    this.tell(answer);
    this.say.removeAttribute("aria-busy");
    if (left > UNASKED)
      this.offer("count", left, async () => {
        await answer.finish();
        if (turn !== this.turn) return;
        this.tell(answer);
        await complete();
        await this.count(answer, turn);
      });
  }

  private tell(answer: Answer): void {
    const [least, most] = answer.between;
    const words = least === most ? "found" : "between";
    this.say.textContent = this.words(words, { n: most.toLocaleString("en"), least: least.toLocaleString("en") });
  }

  /** Offers to read more, beside the number. */
  private offer(key: string, bytes: number, work: () => Promise<void>): void {
    const button = element("button", this.words(key, { size: size(bytes) }), { type: "button", "data-more": key });
    button.addEventListener("click", () => {
      button.disabled = true;
      work().then(
        () => button.remove(),
        (trouble: unknown) => {
          button.disabled = false;
          this.fail(trouble);
        },
      );
    });
    this.more.append(button, " ");
  }

  private fail(trouble: unknown): void {
    const key = trouble instanceof Error && TROUBLES.includes(trouble.message) ? trouble.message : "broken";
    if (key === "broken") this.opening = undefined;
    this.say.removeAttribute("aria-busy");
    this.say.textContent = this.words(key);
  }

  /** Counts the values of every facet among what was found, unless that costs much. */
  private async count(answer: Answer, turn: number, unasked: number = UNASKED): Promise<void> {
    const { head } = this.index;
    const chosen = (name: string): readonly string[] => answer.asked.chosen.get(name) ?? [];
    const listed = FACETS.map((name) => {
      const all = head.facets[name] ?? [];
      const shown = all.filter(([value], at) => name === "year" || at < MOST_VALUES || chosen(name).includes(value));
      return [name, name === "year" ? [...shown].sort((one, other) => (one[0] < other[0] ? 1 : -1)) : shown] as const;
    });
    const [least, most] = answer.between;
    const every = least === head.rows;
    const cost = every ? 0 : listed.reduce((sum, [, values]) => sum + this.index.costOf(values), 0);
    const said = (count: number): string => `${least === most ? "" : "≤ "}${count.toLocaleString("en")}`;
    const groups: [string, Value[]][] = this.shelves(answer.found).map(([name, counts]) => [
      name,
      counts.filter(([value, , count]) => count > 0 || chosen(name).includes(value)).map(([value, title, count]) => [value, title, said(count)]),
    ]);
    for (const [name, values] of listed) {
      const counts = every || cost > unasked ? undefined : await this.index.counts(values, answer.found);
      const count = (value: Entry): number => (counts ? counts.get(value[0])! : value[1]);
      const kept = values.filter((value) => count(value) > 0 || chosen(name).includes(value[0]));
      groups.push([name, kept.map((value) => [value[0], value[0], cost > unasked ? "" : said(count(value))])]);
    }
    if (turn !== this.turn) return;
    this.more.querySelector('[data-more="values"]')?.remove();
    if (cost > unasked) this.offer("values", cost, () => this.count(answer, turn, Infinity));
    this.place(groups.filter(([, values]) => values.length > 0).map(([name, values]) => group(name, values, chosen(name), this.words)));
  }

  /** Counts by partner and collection, which are ranges of rows. */
  private shelves(found: Uint8Array): [string, [string, string, number][]][] {
    return (["partner", "collection"] as const).map((name) => {
      const counts = new Map<string, [string, string, number]>();
      for (const one of this.index.head.collections) {
        const [key, title] = name === "collection" ? [one.id, one.title] : [one.partner, one.partner_title];
        counts.set(key, [key, title, ones(found.subarray(...one.rows)) + (counts.get(key)?.[2] ?? 0)]);
      }
      return [name, [...counts.values()].sort((one, other) => other[2] - one[2])];
    });
  }

  /** Puts the facets in place; the one that has the focus keeps it. */
  private place(groups: readonly HTMLElement[]): void {
    const kept = document.activeElement instanceof HTMLInputElement ? document.activeElement : undefined;
    this.facets.replaceChildren(...groups);
    if (kept?.type === "checkbox")
      [...this.facets.querySelectorAll("input")].find((one) => one.name === kept.name && one.value === kept.value)?.focus();
  }
}
