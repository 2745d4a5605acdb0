/** Reads every layer that can be read at the chosen place: what it costs, then linked plots, tables and CSV. */

import { element } from "../lib/dom";
import type { Words } from "../lib/words";
import { curveOf, plot, span, type Curve, type Line } from "../reading/plot";
import { kindsOf, type Kind, type Plan, type Question, type Reader, type Table } from "../reading/query";
import { measured } from "../reading/roles";
import { rows, taken } from "../reading/show";
import { labelOf, MOST_BYTES, priceOf, readerOf, said } from "../reading/start";
import { labelled } from "./list";
import { colourOf, dashOf, type Shown } from "./shown";
import type { State } from "./state";

const KINDS: readonly Kind[] = ["profile", "series"];
const FIELDS = [["from", "date"], ["to", "date"], ["depth", "number"]] as const;

/** A layer that is read, with what is asked of it. */
interface Asked {
  shown: Shown;
  place: number;
  reader: Reader;
  variable: HTMLSelectElement;
  kind: HTMLSelectElement;
  price: HTMLElement;
  plan: Plan | undefined;
}

/** A layer's place in the list, and the position where it is read, degrees east and north. */
export type Near = readonly [place: number, where: readonly [number, number]];

export interface Page {
  /** Keeps the state in the address. */
  changed(): void;
  /** Shows where the layers are read. */
  near(places: readonly Near[]): void;
}

type Drawn = Curve & Line & { group: string; title: string };

export class Readings {
  private asked: Asked[] = [];
  private readonly readers = new Map<Shown, Promise<Reader>>();
  private readonly form = element("form", "", { class: "ask" });
  private readonly lines = element("div", "", { class: "asked" });
  private readonly price = element("p", "", { role: "status" });
  private readonly go = element("button", "", { type: "submit" });
  private readonly answer = element("div", "", { "data-answer": "" });
  private offered = 0;
  private quoted = 0;

  constructor(
    into: HTMLElement,
    private readonly words: Words,
    private readonly state: State,
    private readonly page: Page,
  ) {
    this.go.textContent = words("read");
    const common = element("div", "", { class: "common" });
    for (const [key, type] of FIELDS) {
      const field = element("input", "", { type, name: key, ...(type === "number" ? { step: "any" } : {}) });
      field.value = state[key];
      field.addEventListener("change", () => {
        state[key] = field.value;
        page.changed();
        void this.quote();
      });
      common.append(labelled(words(`field.${key}`), field));
    }
    const going = element("div", "", { class: "go" });
    going.append(this.go, this.price);
    this.form.append(this.lines, common, going);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.read();
    });
    into.append(this.form, this.answer);
  }

  /** Offers what the layers can be asked, in their order. */
  async show(all: readonly Shown[]): Promise<void> {
    const turn = ++this.offered;
    const found = await Promise.all(all.map((one, place) => (one.source.reading ? this.ask(one, place) : undefined)));
    if (turn !== this.offered) return;
    this.asked = found.filter((one) => one !== undefined && "reader" in one);
    this.lines.replaceChildren(...found.flatMap((one) => one?.line ?? []));
    await this.quote();
  }

  private async ask(shown: Shown, place: number): Promise<(Asked & { line: HTMLElement }) | { line: HTMLElement }> {
    const line = element("fieldset", "", { class: colourOf(place) });
    line.append(element("legend", shown.source.title));
    const price = element("p", "", { class: "quiet" });
    try {
      const reader = await this.reader(shown);
      const variable = this.choice(shown, "variable", measured(reader.dataset).map((one) => [one.name, labelOf(reader, one.name)]));
      const kind = this.choice(shown, "kind", []);
      const fit = (): void => {
        const kinds = kindsOf(reader.roles(variable.value), reader.dataset.variable(variable.value));
        kind.replaceChildren(...KINDS.filter((one) => kinds.includes(one)).map((one) => new Option(this.words(`kind.${one}`), one)));
        if ([...kind.options].some((one) => one.value === shown.layer.kind)) kind.value = shown.layer.kind;
      };
      fit();
      variable.addEventListener("change", fit);
      for (const select of [variable, kind])
        select.addEventListener("change", () => {
          shown.layer.variable = variable.value;
          shown.layer.kind = kind.value;
          this.page.changed();
          void this.quote();
        });
      line.append(labelled(this.words("field.variable"), variable), labelled(this.words("field.kind"), kind), price);
      return { shown, place, reader, variable, kind, price, plan: undefined, line };
    } catch (trouble) {
      price.textContent = trouble instanceof Error ? trouble.message : "?";
      line.append(price);
      return { line };
    }
  }

  private reader(shown: Shown): Promise<Reader> {
    let found = this.readers.get(shown);
    if (!found) this.readers.set(shown, (found = readerOf({ ...shown.source.reading! }, this.words)));
    return found;
  }

  private choice(shown: Shown, key: "variable" | "kind", options: readonly [string, string][]): HTMLSelectElement {
    const select = element("select", "", { name: key });
    select.append(...options.map(([value, words]) => new Option(words, value)));
    if (options.some(([value]) => value === shown.layer[key])) select.value = shown.layer[key];
    return select;
  }

  private question({ variable, kind }: Asked): Question {
    const { at, from, to, depth } = this.state;
    const asked: Question = { kind: kind.value as Kind, variable: variable.value };
    if (at) asked.point = [...at];
    if (from || to)
      asked.time = [from ? Date.parse(`${from}T00:00Z`) : -Infinity, to ? Date.parse(`${to}T00:00Z`) + 86_399_999 : Infinity];
    if (depth && asked.kind === "series") asked.depth = [Number(depth), Number(depth)];
    return asked;
  }

  /** Says what reading all of them costs, and of each where its nearest place is. */
  async quote(): Promise<void> {
    const turn = ++this.quoted;
    this.go.disabled = true;
    if (!this.state.at) {
      this.price.textContent = this.words("nowhere");
      return;
    }
    await Promise.all(this.asked.map((one) => this.plan(one)));
    if (turn !== this.quoted) return;
    const plans = this.asked.flatMap((one) => one.plan ?? []);
    const cost = plans.map((one) => one.cost).reduce((sum, one) => ({ requests: sum.requests + one.requests, bytes: sum.bytes + one.bytes }), { requests: 0, bytes: 0 });
    this.page.near(this.asked.flatMap(({ place, plan }): Near[] => (plan?.place ? [[place, plan.place]] : [])));
    const large = cost.bytes > MOST_BYTES;
    this.price.textContent = plans.length > 0 ? this.words(large ? "dear" : "cost", priceOf(cost)) : "";
    this.go.disabled = large || plans.length === 0;
  }

  private async plan(one: Asked): Promise<void> {
    one.plan = undefined;
    if (!one.kind.value) {
      one.price.textContent = this.words("neither");
      return;
    }
    try {
      const plan = await one.reader.plan(this.question(one));
      one.plan = plan;
      one.price.textContent = plan.away === undefined ? "" : this.words("near", { km: plan.away.toFixed(1) });
    } catch (trouble) {
      one.price.textContent = said(trouble, this.words);
    }
  }

  private async read(): Promise<void> {
    this.go.disabled = true;
    delete this.answer.dataset["done"];
    const found = await Promise.all(this.asked.map(async (one) => {
      if (!one.plan) return undefined;
      try {
        return { ...one, table: await one.reader.read(one.plan) };
      } catch (trouble) {
        one.price.textContent = said(trouble, this.words);
        return undefined;
      }
    }));
    this.present(found.filter((one) => one !== undefined));
    this.go.disabled = false;
  }

  private present(found: readonly (Asked & { table: Table })[]): void {
    this.answer.replaceChildren();
    const plots = this.answer.appendChild(element("div", "", { class: "plots" }));
    const curves = found.map(({ shown, place, table }): Drawn => {
      const curve = curveOf(table);
      const title = shown.source.title;
      const alike = found.filter((one) => one.table.plan.variable.name === curve.name).length > 1;
      const name = alike ? `${curve.name}, ${title.length > 40 ? `${title.slice(0, 39)}…` : title}` : curve.name;
      return { ...curve, name, title, colour: colourOf(place), dash: dashOf(place), group: groupOf(curve) };
    });
    for (const upright of [true, false]) {
      const linked = curves.filter((one) => one.upright === upright && one.x.length > 0);
      for (const group of new Set(linked.map((one) => one.group))) {
        const together = linked.filter((one) => one.group === group);
        const axes = linked.filter((one) => axisOf(one) === axisOf(together[0]!));
        const box = plots.appendChild(element("div", "", { class: upright ? "upright" : "level" }));
        const label = this.words("plot", { name: together.map((one) => `${one.name}, ${one.title}`).join("; ") });
        plot(box, together, label, { link: axisOf(together[0]!), reach: span(axes) });
      }
    }
    for (const { shown, place, table } of found) this.answer.append(this.twin(shown, place, table));
    this.answer.dataset["done"] = String(found.length);
  }

  /** The same values as a table, and to take away. */
  private twin(shown: Shown, place: number, table: Table): HTMLElement {
    const { source } = shown;
    const box = element("details", "", { class: colourOf(place) });
    const name = `${table.plan.variable.name}, ${source.title}`;
    box.append(element("summary", name), rows(table, this.words), taken(table, this.words, source.reading!.opening, [source.title, source.page, source.reading!.cite].filter(Boolean)));
    return box;
  }
}

/** Units that are one under several names. */
function unitOf(unit: string): string {
  if (/^(deg(ree)?s?[_ ]?C(elsius)?|celsius|°C)$/i.test(unit)) return "°C";
  return unit.trim();
}

/** Plots whose cursors are linked have this in common. */
function axisOf({ upright, direction, axis }: Curve): string {
  return upright ? `depth ${axis.unit} ${direction}` : `time ${axis.times}`;
}

/** Curves of one plot have this in common. */
function groupOf(curve: Curve): string {
  return `${axisOf(curve)} ${unitOf(curve.unit)}`;
}
