/** The page that compares: layers come from its address or from what was gathered before; all else is fetched with the first. */

import { dress, element as made } from "../lib/dom";
import type { Board } from "./board";
import style from "./compare.css?inline";
import { layerOf, MOST, pathOf, queryOf, stateOf, type State } from "./state";
import { textsOf, type Texts } from "./texts";

export async function start(element: HTMLElement): Promise<void> {
  dress(style);
  await new Compare(element, textsOf(element)).open();
}

class Compare {
  private readonly root: URL;
  private readonly say: HTMLElement;
  private readonly field: HTMLInputElement;
  private state!: State;
  private board: Promise<Board> | undefined;
  /** Whether the layers are those that the reader gathered; those of a link are somebody else's, and are not kept. */
  private own = true;

  constructor(
    private readonly element: HTMLElement,
    private readonly words: Texts,
  ) {
    this.root = new URL(element.dataset["root"] ?? "./", location.href.replace(/[?#].*/, ""));
    this.say = element.querySelector("[data-say]")!;
    const form = element.querySelector("form")!;
    this.field = form.elements.namedItem("address") as HTMLInputElement;
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.typed().catch((trouble: unknown) => this.tell("failed", { why: trouble instanceof Error ? trouble.message : "?" }));
    });
  }

  /** Shows what the address asks for; with `add`, that and what was gathered; without anything, what was gathered. */
  async open(): Promise<void> {
    const asked = new URLSearchParams(location.search);
    const adds = asked.getAll("add").map((path) => layerOf(path));
    const gathered = stateOf(new URLSearchParams(this.gathered));
    const linked = stateOf(asked);
    const kept = adds.length > 0 || location.search === "";
    this.own = kept || queryOf(linked.state) === queryOf(gathered.state);
    const { state, refused } = kept ? gathered : linked;
    this.state = state;
    const full = adds.some((layer) => layer && !this.put(layer.path));
    if (adds.length > 0) this.changed();
    else if (kept) this.write();
    if (!this.own && state.layers.length > 0) this.offerKeeping(gathered.state.layers.length > 0);
    if (full) this.tell("many", { n: MOST });
    if (refused || adds.includes(undefined)) this.tell("refused");
    if (state.layers.length > 0) await this.show();
  }

  /** Says that the layers are those of a link, and offers to gather them in place of what was gathered. */
  private offerKeeping(gathered: boolean): void {
    const line = made("p", `${this.words.own("linked")} `, { class: "quiet" });
    const keep = made("button", this.words.own("keep"), { type: "button", name: "keep" });
    keep.addEventListener("click", () => {
      this.own = true;
      this.changed();
      line.remove();
      this.field.focus();
    });
    line.append(keep);
    if (gathered) line.append(" ", made("a", this.words.own("gathered"), { href: location.pathname }));
    this.say.after(line);
  }

  private put(path: string): boolean {
    const { layers } = this.state;
    if (layers.some((one) => one.path === path)) return true;
    if (layers.length >= MOST) return false;
    layers.unshift(layerOf(path)!);
    return true;
  }

  private async typed(): Promise<void> {
    const path = pathOf(this.field.value, this.root);
    if (!path) return this.tell("foreign");
    if (!this.put(path)) return this.tell("many", { n: MOST });
    this.tell("");
    this.field.value = "";
    this.changed();
    await this.show();
  }

  private async show(): Promise<void> {
    this.board ??= this.lay().catch((trouble: unknown) => {
      this.board = undefined;
      throw trouble;
    });
    (await this.board).show();
  }

  private async lay(): Promise<Board> {
    const { Board } = await import("./board");
    const place = made("div");
    const board = await Board.on(place, this.words, this.state, this.root, {
      changed: () => this.changed(),
      tell: (key, values) => this.tell(key, values),
      rest: () => this.field.focus(),
    });
    this.element.append(place);
    return board;
  }

  private tell(key: string, values: Record<string, string | number> = {}): void {
    this.say.textContent = key && this.words.own(key, values);
  }

  /** Keeps what is compared in the address, and what the reader gathers in this browser for the next layer that is added. */
  private changed(): void {
    this.write();
    if (this.own) this.gathered = queryOf(this.state);
  }

  private write(): void {
    const query = queryOf(this.state);
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
  }

  private get key(): string {
    return `iaos-compare ${this.root.pathname}`;
  }

  private get gathered(): string {
    try {
      return localStorage.getItem(this.key) ?? "";
    } catch {
      return "";
    }
  }

  private set gathered(query: string) {
    try {
      localStorage.setItem(this.key, query);
    } catch {
      // A browser that keeps nothing still has the address.
    }
  }
}
