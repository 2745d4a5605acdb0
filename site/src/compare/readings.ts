/** Reads every layer that can be read at the chosen place: what it costs, then linked plots, tables and CSV. */

import { arrange, element } from "../lib/dom";
import { patiently } from "../lib/patience";
import { curveOf, span, type Curve } from "../reading/curve";
import { clear, plot, type Line } from "../reading/plot";
import { kindsOf, MOST_BYTES, type Kind, type Plan, type Question, type Reader, type Table } from "../reading/query";
import { measured } from "../reading/roles";
import { rows, taken } from "../reading/show";
import { labelOf, priceOf, readerOf, said } from "../reading/start";
import { labelled } from "./list";
import { colourOf, dashOf, type Shown } from "./shown";
import type { State } from "./state";
import type { Texts } from "./texts";

const KINDS: readonly Kind[] = ["profile", "series"];
const FIELDS = [["from", "date"], ["to", "date"], ["depth", "number"]] as const;

/** What a layer is asked by. */
interface Fields {
  reader: Reader;
  variable: HTMLSelectElement;
  kind: HTMLSelectElement;
}

/** A layer that is read. */
interface Asked {
  shown: Shown;
  place: number;
  line: HTMLElement;
  price: HTMLElement;
  /** Missing before its references are opened, and after that failed. */
  fields: Promise<Fields> | undefined;
  planned: { plan: Plan; reader: Reader } | undefined;
}

interface Answer {
  of: Asked;
  table: Table;
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
  private readonly form = element("form", "", { class: "ask" });
  private readonly lines = element("div", "", { class: "asked" });
  private readonly price = element("p", "", { role: "status" });
  private readonly go = element("button", "", { type: "submit" });
  private readonly answer = element("div", "", { "data-answer": "" });
  private quoted = 0;
  private reads = 0;
  /** Whether the price is being worked out, and whether something is being read. */
  private quoting = false;
  private reading = false;

  constructor(
    into: HTMLElement,
    private readonly words: Texts,
    private readonly state: State,
    private readonly page: Page,
  ) {
    this.go.textContent = words.own("read");
    const common = element("div", "", { class: "common" });
    for (const [key, type] of FIELDS) {
      const field = element("input", "", { type, name: key, ...(type === "number" ? { step: "any" } : {}) });
      field.value = state[key];
      field.addEventListener("change", () => {
        state[key] = field.value;
        page.changed();
        void this.quote();
      });
      common.append(labelled((key === "depth" ? words.own : words.panel)(`field.${key}`), field));
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
  show(all: readonly Shown[]): void {
    const before = new Map(this.asked.map((one) => [one.shown, one]));
    this.asked = all.flatMap((shown, place) => {
      if (!shown.source.reading) return [];
      const one = before.get(shown) ?? ask(shown);
      one.place = place;
      one.line.className = colourOf(place);
      return [one];
    });
    arrange(this.lines, this.asked.map((one) => one.line));
    void this.quote();
  }

  /** Opens a layer's references, once they are there, and offers its variables. */
  private fields(one: Asked): Promise<Fields> {
    one.fields ??= this.fit(one).catch((trouble: unknown) => {
      one.fields = undefined;
      throw trouble;
    });
    return one.fields;
  }

  private async fit({ shown, price }: Asked): Promise<Fields> {
    const reader = await readerOf({ ...shown.source.reading! });
    const variable = choice(shown, "variable", measured(reader.dataset).map((one) => [one.name, labelOf(reader, one.name)]));
    const kind = choice(shown, "kind", []);
    const fit = (): void => {
      const kinds = kindsOf(reader.roles(variable.value), reader.dataset.variable(variable.value));
      kind.replaceChildren(...KINDS.filter((one) => kinds.includes(one)).map((one) => new Option(this.words.panel(`kind.${one}`), one)));
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
    const labels = [labelled(this.words.panel("field.variable"), variable), labelled(this.words.panel("field.kind"), kind)];
    price.before(...labels);
    return { reader, variable, kind };
  }

  private question({ variable, kind }: Fields): Question {
    const { at, from, to, depth } = this.state;
    const asked: Question = { kind: kind.value as Kind, variable: variable.value };
    if (at) asked.point = [...at];
    asked.dates = true;
    if (from || to)
      asked.time = [from ? Date.parse(`${from}T00:00Z`) : -Infinity, to ? Date.parse(`${to}T00:00Z`) + 86_399_999 : Infinity];
    if (depth && asked.kind === "series") asked.depth = [Number(depth), Number(depth)];
    return asked;
  }

  /** Says what reading all of them costs, and of each where its nearest place is; who does not answer is not waited for. */
  async quote(): Promise<void> {
    const turn = ++this.quoted;
    this.quoting = true;
    const planned = this.asked.map(async (one) => {
      one.planned = undefined;
      one.price.textContent = this.words.own("asking");
      const words = await this.plan(one, turn).catch((trouble: unknown) => said(trouble, this.words.panel));
      if (turn !== this.quoted) return;
      one.price.textContent = words;
      if (!this.quoting) this.offer();
    });
    this.offer();
    await patiently(planned);
    if (turn !== this.quoted) return;
    this.quoting = false;
    this.offer();
  }

  /** Works out what to read of a layer; gives what there is to say of it. */
  private async plan(one: Asked, turn: number): Promise<string> {
    const fields = await this.fields(one);
    if (!this.state.at) return "";
    if (!fields.kind.value) return this.words.own("neither");
    const plan = await fields.reader.plan(this.question(fields));
    if (turn === this.quoted) one.planned = { plan, reader: fields.reader };
    return plan.away === undefined ? "" : this.words.panel("near", { km: plan.away.toFixed(1) });
  }

  /** Says the price of what can be read by now, and lets it be read. */
  private offer(): void {
    const plans = this.asked.flatMap(({ planned }) => planned?.plan ?? []);
    const sum = (key: "requests" | "bytes"): number => plans.reduce((all, { cost }) => all + cost[key], 0);
    const cost = { requests: sum("requests"), bytes: sum("bytes") };
    const large = cost.bytes > MOST_BYTES;
    this.go.disabled = this.quoting || this.reading || large || plans.length === 0;
    if (this.quoting && this.state.at) return void (this.price.textContent = "");
    this.page.near(this.asked.flatMap(({ place, planned }): Near[] => (planned?.plan.place ? [[place, planned.plan.place]] : [])));
    const price = plans.length > 0 ? this.words.panel(large ? "dear" : "cost", priceOf(cost)) : "";
    this.price.textContent = this.state.at ? price : this.words.own("nowhere");
  }

  /** Reads what was priced, and shows it; what comes late is added. */
  private async read(): Promise<void> {
    if (this.go.disabled) return;
    const turn = ++this.reads;
    this.reading = true;
    this.offer();
    delete this.answer.dataset["done"];
    const found: Answer[] = [];
    const reading = this.asked.map(async (of) => {
      const { planned } = of;
      if (!planned) return;
      try {
        const table = await planned.reader.read(planned.plan);
        if (turn !== this.reads) return;
        found.push({ of, table });
        if (!this.reading) this.present(found);
      } catch (trouble) {
        if (planned === of.planned) of.price.textContent = said(trouble, this.words.panel);
      }
    });
    await patiently(reading);
    this.reading = false;
    this.present(found);
    this.offer();
  }

  private present(answers: readonly Answer[]): void {
    clear(this.answer);
    const found = [...answers].sort((one, other) => one.of.place - other.of.place);
    const plots = this.answer.appendChild(element("div", "", { class: "plots" }));
    const curves = found.map(({ of: { shown, place }, table }): Drawn => {
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
        const label = this.words.panel("plot", { name: together.map((one) => `${one.name}, ${one.title}`).join("; ") });
        plot(box, together, label, { link: axisOf(together[0]!), reach: span(axes) });
      }
    }
    for (const { of, table } of found) this.answer.append(this.twin(of, table));
    this.answer.dataset["done"] = String(found.length);
  }

  /** The same values as a table, and to take away. */
  private twin({ shown: { source }, place }: Asked, table: Table): HTMLElement {
    const box = element("details", "", { class: colourOf(place) });
    const name = `${table.plan.variable.name}, ${source.title}`;
    const about = [source.title, source.page, source.reading!.cite].filter(Boolean);
    box.append(element("summary", name), rows(table, this.words.panel), taken(table, this.words.panel, source.reading!.opening, about));
    return box;
  }
}

function ask(shown: Shown): Asked {
  const line = element("fieldset");
  const price = element("p", "", { class: "quiet" });
  line.append(element("legend", shown.source.title), price);
  return { shown, place: 0, line, price, fields: undefined, planned: undefined };
}

function choice(shown: Shown, key: "variable" | "kind", options: readonly [string, string][]): HTMLSelectElement {
  const select = element("select", "", { name: key });
  select.append(...options.map(([value, words]) => new Option(words, value)));
  if (options.some(([value]) => value === shown.layer[key])) select.value = shown.layer[key];
  return select;
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
