/** Colours of values: of classes as they are described, else a ramp over the range of the values. */

import { element } from "../../lib/dom";
import type { Words } from "../../lib/words";

/** What the builder says of a raster. */
export interface Described {
  href: string;
  title: string;
  code: string;
  unit?: string;
  low?: number;
  high?: number;
  scale?: number;
  offset?: number;
  /** Value, name and colour (six hexadecimal digits; empty for that of the file). */
  classes?: [number, string, string][];
}

export type Colour = readonly [number, number, number];

/** Anchors of the ramps: viridis (Smith and van der Walt), and blue, sand, rust for temperatures. */
const VIRIDIS: readonly Colour[] = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const THERMAL: readonly Colour[] = [[16, 55, 120], [70, 130, 180], [230, 220, 190], [205, 120, 60], [140, 40, 20]];

/** Colours of classes that have none anywhere. */
const CYCLE = ["1F78B4", "B5521B", "5B3F99", "2C7A3D", "C9A227", "7F7F7F", "A32A2A", "74C4DE"];

export class Palette {
  private readonly ramp: readonly Colour[];
  private readonly classes: Map<number, Colour>;

  constructor(
    readonly of: Described,
    private readonly table: readonly Colour[] = [],
  ) {
    this.ramp = /^(deg_?C|degree_?C|celsius|°C|K|kelvin)/i.test(of.unit ?? "") ? THERMAL : VIRIDIS;
    const own = (value: number, place: number): Colour => table[value] ?? bytes(CYCLE[place % CYCLE.length]!);
    this.classes = new Map((of.classes ?? []).map(([value, , hex], place) => [value, hex ? bytes(hex) : own(value, place)]));
  }

  /** The value in its unit, from the number in the file. */
  real(stored: number): number {
    return stored * (this.of.scale ?? 1) + (this.of.offset ?? 0);
  }

  colour(stored: number): Colour | undefined {
    if (this.classes.size > 0) return this.classes.get(stored);
    if (this.table.length > 0) return this.table[stored];
    const { low = 0, high = 1 } = this.of;
    const share = Math.min(1, Math.max(0, (this.real(stored) - low) / (high - low || 1)));
    const step = Math.min(this.ramp.length - 2, Math.floor(share * (this.ramp.length - 1)));
    const rest = share * (this.ramp.length - 1) - step;
    const [from, to] = [this.ramp[step]!, this.ramp[step + 1]!];
    return [0, 1, 2].map((band) => Math.round(from[band]! + rest * (to[band]! - from[band]!))) as unknown as Colour;
  }

  /** The value in words, with its unit or the name of its class. */
  say(stored: number, words: Words): string {
    const named = this.of.classes?.find(([value]) => value === stored);
    if (named) return words("class", { value: stored, name: named[1] });
    const value = Number(this.real(stored).toPrecision(6));
    return words("value", { value, unit: this.unit }).trim();
  }

  private get unit(): string {
    return this.of.unit === "1" ? "" : (this.of.unit ?? "");
  }

  legend(words: Words): HTMLElement {
    const box = element("div", "", { class: "legend" });
    box.append(element("p", this.of.title));
    if (this.of.classes?.length) {
      const list = element("ul");
      for (const [value, name] of this.of.classes) {
        const line = element("li");
        const swatch = element("span", "", { class: "swatch" });
        swatch.style.backgroundColor = `rgb(${this.classes.get(value)!.join()})`;
        line.append(swatch, name);
        list.append(line);
      }
      box.append(list);
      return box;
    }
    if (this.table.length > 0) {
      box.append(element("p", words("table")));
      return box;
    }
    const { low = 0, high = 1 } = this.of;
    const bar = element("span", "", { class: "ramp" });
    bar.style.backgroundImage = `linear-gradient(to right,${this.ramp.map((one) => `rgb(${one.join()})`).join()})`;
    const shown = (value: number): string => String(Number(value.toPrecision(4)));
    const scale = element("p", "", { class: "scale" });
    const unit = this.unit && ` ${this.unit}`;
    scale.append(element("span", shown(low)), bar, element("span", `${shown(high)}${unit}`));
    box.append(scale);
    box.setAttribute("aria-label", words("legend"));
    box.setAttribute("role", "group");
    return box;
  }
}

function bytes(hex: string): Colour {
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Colour;
}
