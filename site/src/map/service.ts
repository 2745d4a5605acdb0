/** Shows layers of partners' map services (WMS 1.3.0) on the map; asks a partner only when the reader chooses one. */

import ImageLayer from "ol/layer/Image";
import type { ImageObject } from "ol/Image";
import ImageSource from "ol/source/Image";
import { element } from "../lib/dom";
import type { Words } from "../lib/words";
import type { Chart } from "./chart";

/** What the builder says of a layer. */
export interface Service {
  href: string;
  layer: string;
  title: string;
  codes: string[];
}

/** Longest side of a picture that is asked for. */
const MOST_PIXELS = 2048;

/** The address of a picture (OGC 06-042, sections 6.8.1 and 7.3: the case of names does not matter); both axes of the polar systems are in the order of the map. */
export function pictureOf(service: Service, code: string, extent: readonly number[], width: number, height: number): string {
  const address = new URL(service.href);
  const asked = {
    SERVICE: "WMS", VERSION: "1.3.0", REQUEST: "GetMap", LAYERS: service.layer, STYLES: "", CRS: code,
    BBOX: extent.join(), WIDTH: width, HEIGHT: height, FORMAT: "image/png", TRANSPARENT: "TRUE",
  }; // prettier-ignore
  for (const name of [...address.searchParams.keys()]) if (name.toUpperCase() in asked) address.searchParams.delete(name);
  for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, String(value));
  return address.href;
}

export class Services {
  readonly box = element("div", "", { class: "rasters" });
  private readonly said = element("p", "", { role: "status" });
  private chosen: Service | undefined;

  constructor(
    private readonly chart: Chart,
    all: readonly Service[],
    private readonly words: Words,
  ) {
    const label = element("label", `${words("service")} `);
    const choice = element("select", "", { name: "service" });
    const name = (one: Service): string => words("of", { title: one.title, layer: one.layer, host: new URL(one.href).host });
    choice.append(new Option(words("none"), ""), ...all.map((one, index) => new Option(name(one), String(index))));
    choice.addEventListener("change", () => this.show(choice.value === "" ? undefined : all[Number(choice.value)]));
    label.append(choice);
    this.box.append(label, this.said);
  }

  private show(chosen: Service | undefined): void {
    this.chosen = chosen;
    this.said.textContent = "";
    this.chart.put("service", (code) => (this.chosen ? this.layers(this.chosen, code) : []));
  }

  private layers(service: Service, code: string): ImageLayer<ImageSource>[] {
    const host = new URL(service.href).host;
    if (!service.codes.includes(code)) {
      this.said.textContent = this.words("elsewhere", { host });
      return [];
    }
    this.said.textContent = this.words("asked", { host });
    const loader = async (extent: number[], resolution: number, pixelRatio: number): Promise<ImageObject> => {
      const [left, bottom, right, top] = extent as [number, number, number, number];
      const size = Math.max(resolution / pixelRatio, (right - left) / MOST_PIXELS, (top - bottom) / MOST_PIXELS);
      const [width, height] = [Math.round((right - left) / size), Math.round((top - bottom) / size)];
      const picture = new Image();
      picture.referrerPolicy = "no-referrer";
      picture.src = pictureOf(service, code, extent, width, height);
      const say = (key: string): void => {
        if (this.chosen === service && this.chart.code === code) this.said.textContent = this.words(key, { host });
      };
      try {
        await picture.decode();
        say("shown");
      } catch {
        say("silent");
        return { image: document.createElement("canvas"), extent, resolution, pixelRatio };
      }
      return { image: picture, extent, resolution, pixelRatio };
    };
    const source = new ImageSource({ interpolate: true, loader });
    return [new ImageLayer({ source, opacity: 0.85 })];
  }
}
