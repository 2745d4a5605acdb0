/** The page that compares: layers come from its address or from what was gathered before; all else is fetched with the first. */

import { dress, element as made } from "../lib/dom";
import type { Words } from "../lib/words";
import type { Board } from "./board";
import style from "./compare.css?inline";
import { layerOf, MOST, pathOf, queryOf, stateOf, type State } from "./state";

export async function start(element: HTMLElement, words: Words): Promise<void> {
  dress(style);
  await new Compare(element, words).open();
}

class Compare {
  private readonly root: URL;
  private readonly say: HTMLElement;
  private readonly form: HTMLFormElement;
  private state!: State;
  private board: Board | undefined;

  constructor(
    private readonly element: HTMLElement,
    private readonly words: Words,
  ) {
    this.root = new URL(element.dataset["root"] ?? "./", location.href.replace(/[?#].*/, ""));
    this.say = element.querySelector("[data-say]")!;
    this.form = element.querySelector("form")!;
    this.form.hidden = false;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.typed(this.form.elements.namedItem("address") as HTMLInputElement);
    });
  }

  /** Shows what the address asks for; with `add`, that and what was gathered; without anything, what was gathered. */
  async open(): Promise<void> {
    const asked = new URLSearchParams(location.search);
    const adds = asked.getAll("add");
    const kept = adds.length > 0 || location.search === "";
    const { state, refused } = stateOf(kept ? new URLSearchParams(this.gathered) : asked);
    this.state = state;
    const wanted = adds.map((path) => layerOf(path));
    for (const layer of wanted) if (layer) this.put(layer.path);
    if (kept) this.write();
    if (adds.length > 0) this.gathered = queryOf(state);
    if (state.layers.length > 0) await this.show();
    if (refused || wanted.includes(undefined)) this.refuse();
  }

  private put(path: string): boolean {
    const { layers } = this.state;
    if (layers.some((one) => one.path === path)) return true;
    if (layers.length >= MOST) return false;
    layers.unshift(layerOf(path)!);
    return true;
  }

  private async typed(field: HTMLInputElement): Promise<void> {
    const path = pathOf(field.value, this.root);
    if (!path) return this.tell("foreign");
    if (!this.put(path)) return this.tell("many", { n: MOST });
    this.tell("");
    field.value = "";
    await this.show();
    this.changed();
  }

  private async show(): Promise<void> {
    if (!this.board) {
      const { Board } = await import("./board");
      const place = made("div");
      this.element.append(place);
      const tell = (key: string, values?: Record<string, string | number>): void => this.tell(key, values);
      this.board = await Board.on(place, this.words, this.state, this.root, { changed: () => this.changed(), tell });
    }
    if ((await this.board.show()) === 0) return;
    this.write();
    this.refuse();
  }

  private refuse(): void {
    this.tell("refused");
  }

  private tell(key: string, values: Record<string, string | number> = {}): void {
    this.say.textContent = key && this.words(key, values);
  }

  /** Keeps what is compared in the address, and in this browser for the next layer that is added. */
  private changed(): void {
    this.write();
    this.gathered = queryOf(this.state);
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
