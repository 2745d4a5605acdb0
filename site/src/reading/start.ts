/** The panel "Read values" of an item's page: asks, says the cost, reads, and shows. */

import { element } from "../lib/dom";
import type { Words } from "../lib/words";
import { Dataset } from "./dataset";
import { boxable } from "./located";
import type { Group } from "./exports";
import { kindsOf, MOST_BYTES, Reader, type Kind, type Plan, type Question } from "./query";
import type { Cost } from "./ranges";
import { measured, type Roles } from "./roles";
import { show } from "./show";
import { ReadError } from "./trouble";

type Fields = Record<"variable" | "kind" | "lon" | "lat" | "time" | "depth" | "west" | "south" | "east" | "north" | "from" | "to" | "top" | "bottom", HTMLInputElement | HTMLSelectElement>;

export async function start(panel: HTMLElement, words: Words): Promise<void> {
  const reader = await readerOf(panel.dataset).catch((trouble: unknown) => {
    throw new Error(said(trouble, words));
  });
  const panelOf = new Panel(panel, words, reader);
  await panelOf.offer(measured(reader.dataset).map((one) => one.name));
  panel.querySelector("[data-start]")?.remove();
}

/** Opens the references that a page tells of; the file's host is not asked yet. */
export async function readerOf(told: Readonly<Record<string, string | undefined>>): Promise<Reader> {
  const { references = "", size, etag, crs = "" } = told;
  const version = { size: size ? Number(size) : undefined, etag: etag || undefined };
  const dataset = await Dataset.open(new URL(references, location.href).href, version);
  if (measured(dataset).length === 0) throw new ReadError("layout", references.replace(/.*\//, ""));
  return new Reader(dataset, crs);
}

/** A variable with its meaning and unit. */
export function labelOf(reader: Reader, name: string): string {
  const { long_name, standard_name, units } = reader.dataset.variable(name).attributes;
  const words = String(long_name ?? standard_name ?? "").slice(0, 80);
  return `${name}${words ? ` – ${words}` : ""}${units ? ` (${String(units)})` : ""}`;
}

/** Requests and bytes in words. */
export function priceOf({ requests, bytes }: Cost): { requests: number; size: string } {
  return { requests, size: bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB` };
}

/** What went wrong, in words. */
export function said(trouble: unknown, words: Words): string {
  if (trouble instanceof ReadError) return words(`trouble.${trouble.trouble}`, { detail: trouble.detail });
  return words("failed", { why: trouble instanceof Error ? trouble.message : "?" });
}

/** The first of an axis that are there, to choose from. */
function known(values: Float64Array): Float64Array {
  return values.filter((value) => !Number.isNaN(value)).slice(0, 2000);
}

class Panel {
  private readonly form = element("form");
  private readonly price = element("p", "", { role: "status" });
  private readonly go = element("button", "", { type: "submit" });
  private readonly answer = element("div", "", { "data-answer": "" });
  private readonly fields = {} as Fields;
  private plan: Plan | undefined;
  private asked = 0;
  private reads = 0;

  constructor(
    panel: HTMLElement,
    private readonly words: Words,
    private readonly reader: Reader,
  ) {
    this.opening = panel.dataset.opening ?? "";
    this.groups = JSON.parse(panel.dataset.groups || "[]") as Group[];
    this.about = [document.title, location.href.replace(/#.*/, ""), panel.dataset.cite ?? ""].filter(Boolean);
    panel.append(this.form, this.price, this.answer);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.read();
    });
    this.form.addEventListener("change", (event) => {
      const changed = event.target === this.fields.variable || event.target === this.fields.kind;
      void (changed ? this.refit() : this.quote());
    });
  }

  private readonly opening: string;
  private readonly groups: readonly Group[];
  private readonly about: string[];

  async offer(names: readonly string[]): Promise<void> {
    this.choice("variable", names.map((name) => [name, labelOf(this.reader, name)]));
    this.choice("kind", []);
    await this.refit();
  }

  /** Offers what the chosen variable can be asked, or says why nothing can and offers to try again. */
  private async refit(): Promise<void> {
    const turn = ++this.asked;
    await this.fit().catch((trouble: unknown) => {
      if (turn !== this.asked) return;
      this.plan = undefined;
      this.price.textContent = said(trouble, this.words);
      this.go.textContent = this.words("again");
      this.go.disabled = false;
      this.form.append(this.go);
    });
  }

  private async fit(): Promise<void> {
    const { variable, kind } = this.fields;
    const [name, before] = [variable.value, kind.value as Kind];
    const one = this.reader.dataset.variable(name);
    const roles = this.reader.roles(name);
    const kinds = kindsOf(roles, one);
    kind.replaceChildren(...kinds.map((key) => new Option(this.words(`kind.${key}`), key)));
    kind.value = kinds.includes(before) ? before : kinds[0]!;
    for (const row of this.form.querySelectorAll("[data-extra]")) row.remove();
    const asked = kind.value as Kind;
    const { place } = roles;
    const through = place?.kind === "points" && asked === "series" && place.dim === roles.time?.dim;
    if (place && place.kind !== "one" && (asked === "series" || asked === "profile") && !through)
      await this.middle(name);
    if (asked === "subset" && boxable(place, this.reader.projection))
      for (const side of ["west", "south", "east", "north"] as const) this.number(side, "");
    const casts = place?.kind === "points" && place.dim === roles.time?.dim;
    const moment = roles.time && !casts && (asked === "profile" || asked === "map");
    if (moment) await this.moments(name);
    else if (roles.time) await this.period(roles);
    if (roles.depth && asked !== "profile") await this.levels(name, asked === "subset");
    this.form.append(this.go);
    await this.quote();
  }

  /** A first place to look at: the middle of the grid, or the first cast. */
  private async middle(name: string): Promise<void> {
    const place = this.reader.roles(name).place;
    let at: [number, number] = [0, 80];
    if (place && (place.kind === "grid" || place.kind === "points" || place.kind === "cells")) {
      const [wide, high] = [await this.reader.coordinate(place.longitude), await this.reader.coordinate(place.latitude)];
      const middle = (values: Float64Array): number => values[Math.floor(values.length / 2)]!;
      at = place.kind === "grid" ? [middle(wide), middle(high)] : [wide[0]!, high[0]!];
    }
    this.number("lon", at[0].toFixed(3));
    this.number("lat", at[1].toFixed(3));
  }

  /** Two days, or two of the file's numbers where its calendar is no real one. */
  private async period(roles: Roles): Promise<void> {
    const dates = (await this.reader.times(roles))?.times;
    for (const side of ["from", "to"] as const)
      if (dates) this.field(side, element("input", "", { type: "date" }));
      else this.number(side, "");
  }

  private async moments(name: string): Promise<void> {
    const times = await this.reader.times(this.reader.roles(name));
    if (!times) return;
    const shown = (value: number): string => (times.times ? new Date(value).toISOString().slice(0, 16).replace("T", " ") : String(value));
    const some = Array.from(known(times.values), (value) => [String(value), shown(value)] as [string, string]);
    this.choice("time", some, true);
  }

  private async levels(name: string, range: boolean): Promise<void> {
    const depths = await this.reader.depths(this.reader.roles(name), this.reader.dataset.variable(name));
    if (!depths) return;
    if (range) for (const side of ["top", "bottom"] as const) this.number(side, "");
    else this.choice("depth", Array.from(known(depths.values), (value) => [String(value), `${value} ${depths.unit}`]), true);
  }

  private choice(key: keyof Fields, options: readonly (readonly [string, string])[], extra = false): void {
    const select = element("select");
    select.append(...options.map(([value, words]) => new Option(words, value)));
    this.field(key, select, extra);
  }

  private number(key: keyof Fields, value: string): void {
    const input = element("input", "", { type: "number", step: "any", inputmode: "decimal" });
    input.value = value;
    this.field(key, input);
  }

  private field(key: keyof Fields, input: HTMLInputElement | HTMLSelectElement, extra = true): void {
    const label = element("label", `${this.words(`field.${key}`)} `, extra ? { "data-extra": "" } : {});
    input.name = key;
    label.append(input);
    this.fields[key] = input;
    this.form.append(label);
  }

  private value(key: keyof Fields): number | undefined {
    const field = this.form.elements.namedItem(key) as HTMLInputElement | null;
    if (!field || field.value === "") return undefined;
    return field.type === "date" ? Date.parse(`${field.value}T00:00:00Z`) : Number(field.value);
  }

  private question(): Question {
    const asked: Question = { kind: this.fields.kind.value as Kind, variable: this.fields.variable.value };
    const [lon, lat, time, depth] = (["lon", "lat", "time", "depth"] as const).map((key) => this.value(key));
    if (lon !== undefined && lat !== undefined) asked.point = [lon, lat];
    if (time !== undefined) asked.time = [time, time];
    if (depth !== undefined) asked.depth = [depth, depth];
    const [west, south, east, north] = (["west", "south", "east", "north"] as const).map((key) => this.value(key));
    if ([west, south, east, north].some((side) => side !== undefined))
      asked.box = [west ?? -180, south ?? -90, east ?? 180, north ?? 90];
    const [from, to, top, bottom] = (["from", "to", "top", "bottom"] as const).map((key) => this.value(key));
    const day = (this.form.elements.namedItem("to") as HTMLInputElement | null)?.type === "date" ? 86_399_999 : 0;
    if (from !== undefined || to !== undefined) asked.time = [from ?? -Infinity, (to ?? Infinity) + day];
    if (top !== undefined || bottom !== undefined) asked.depth = [top ?? -Infinity, bottom ?? Infinity];
    return asked;
  }

  /** Says what the read costs before it is offered. */
  private async quote(): Promise<void> {
    const turn = ++this.asked;
    this.go.disabled = true;
    this.plan = undefined;
    try {
      const plan = await this.reader.plan(this.question());
      if (turn !== this.asked) return;
      const large = plan.cost.bytes > MOST_BYTES;
      const near = plan.away === undefined ? "" : ` ${this.words("near", { km: plan.away.toFixed(1) })}`;
      this.price.textContent = this.words(large ? "dear" : "cost", priceOf(plan.cost)) + near;
      this.go.textContent = this.words(`read.${plan.question.kind}`);
      this.go.disabled = large;
      this.plan = plan;
    } catch (trouble) {
      if (turn === this.asked) this.price.textContent = said(trouble, this.words);
    }
  }

  private async read(): Promise<void> {
    const { plan } = this;
    if (!plan) return this.refit();
    const turn = ++this.reads;
    this.go.disabled = true;
    try {
      const table = await this.reader.read(plan);
      if (turn !== this.reads) return;
      show(this.answer, table, this.words, this.opening, this.about, this.groups);
      this.answer.dataset["done"] = plan.question.kind;
    } catch (trouble) {
      if (plan === this.plan) this.price.textContent = said(trouble, this.words);
    }
    if (plan === this.plan) this.go.disabled = false;
  }
}
