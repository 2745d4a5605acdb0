/** The map of the search page: Shift and a drag draw the box that is searched, and it shows the one that was. */

import { shiftKeyOnly } from "ol/events/condition";
import DragBox from "ol/interaction/DragBox";
import DragZoom from "ol/interaction/DragZoom";
import { dress, element } from "../lib/dom";
import { projection, type Position } from "../lib/projections";
import type { Words } from "../lib/words";
import { Chart } from "../map/chart";
import { DRAWN, land, type Footprints } from "../map/drawing";
import { footprintLayers } from "../map/layers";
import { degrees, tools } from "../map/start";
import { covering } from "./covering";

/** Half of what is seen at first, metres, and where a drawing has its unit, see `builder/pages/polarmap.py`. */
const HALF = 3_900_000;
const UNITS = 10_000;
const STYLE = ".ol-dragbox{border:2px solid var(--accent);box-sizing:border-box}";

type Sides = [west: number, south: number, width: number, north: number];

export class BoxMap {
  private constructor(private readonly chart: Chart) {}

  /** Makes the map in place of a button, with the focus; `drawn` is told west, south, east and north of each box. */
  static async on(button: HTMLElement, address: string, words: Words, own: Words, drawn: (sides: readonly number[]) => void): Promise<BoxMap> {
    const shore = await land(address);
    dress(STYLE);
    const place = element("div", "", { class: "live map" });
    button.replaceWith(place);
    const ground = element("div", "", { class: "ground", tabindex: "0", role: "application", "aria-label": own("map_name") });
    const said = element("p", own("map_keys"), { class: "said", id: "map-said" });
    ground.setAttribute("aria-describedby", said.id);
    place.append(ground, said);
    const chart = new Chart(ground, { areas: [], edges: [], dots: [] }, shore, degrees(words), [0, 0, (2 * HALF) / UNITS]);
    place.prepend(tools(chart, words));
    for (const one of chart.map.getInteractions().getArray().filter((one) => one instanceof DragZoom)) chart.map.removeInteraction(one);
    const drag = new DragBox({ condition: shiftKeyOnly });
    drag.on("boxend", () => drawn(covering(drag.getGeometry().getExtent(), projection(chart.code)!)));
    chart.map.addInteraction(drag);
    ground.focus({ preventScroll: true });
    return new BoxMap(chart);
  }

  /** Shows a box of west, south, width and north in degrees, or none. */
  show(box: readonly number[] | undefined): void {
    const shapes = box && outlined(box as Sides);
    this.chart.put("box", (code) => (shapes ? footprintLayers(shapes, code) : []));
  }
}

/** A box along its parallels, in the projection of drawings; one that goes all around is a ring without sides. */
function outlined([west, south, width, north]: Sides): Footprints {
  const to = projection(DRAWN)!;
  const steps = Math.max(1, Math.ceil(width));
  const along = (latitude: number): Position[] =>
    Array.from({ length: steps + 1 }, (_, at) => to.forward(west + (width * at) / steps, latitude));
  const [below, above] = [along(south), along(north)];
  if (width < 360) {
    const ring = [...below, ...above.reverse(), below[0]!];
    return { areas: [ring], edges: [ring], dots: [] };
  }
  return { areas: north === 90 ? [below] : [], edges: [below, above], dots: [] };
}
