/** The layers of the map, made anew for each projection: sea, land, graticule and footprints. */

import Feature from "ol/Feature";
import LineString from "ol/geom/LineString";
import MultiLineString from "ol/geom/MultiLineString";
import MultiPoint from "ol/geom/MultiPoint";
import MultiPolygon from "ol/geom/MultiPolygon";
import Point from "ol/geom/Point";
import Polygon from "ol/geom/Polygon";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import Circle from "ol/style/Circle";
import Fill from "ol/style/Fill";
import Stroke from "ol/style/Stroke";
import Style from "ol/style/Style";
import Text from "ol/style/Text";
import { colour } from "../lib/dom";
import { projection, type Position, type Projection } from "../lib/projections";
import { DRAWN, type Footprints } from "./drawing";

/** Southernmost latitude that is drawn. */
export const SOUTH = 45;
/** Metres per pixel below which the graticule is finer. */
const CLOSE = 1500;

/** Degrees at the meridians and parallels, in words. */
export interface Degrees {
  east(longitude: number): string;
  north(latitude: number): string;
}

type Turn = (at: Position) => Position;

/** Turns what was drawn into a projection. */
export function turnTo(code: string): Turn {
  if (code === DRAWN) return (at) => at;
  const [from, to] = [projection(DRAWN)!, projection(code)!];
  return ([x, y]) => to.forward(...from.inverse(x, y));
}

function layer(features: Feature[], style: () => Style, more: Readonly<Record<string, unknown>> = {}): VectorLayer {
  return new VectorLayer({ source: new VectorSource({ features, wrapX: false }), style, ...more });
}

export function seaLayer(to: Projection): VectorLayer {
  const rim = Array.from({ length: 361 }, (_, degree) => to.forward(degree - 180, SOUTH));
  return layer([new Feature(new Polygon([rim]))], () => new Style({ fill: new Fill({ color: colour("sea") }) }));
}

export function landLayer(rings: readonly Position[][], code: string): VectorLayer {
  const turn = turnTo(code);
  const shape = new MultiPolygon(rings.map((ring) => [ring.map(turn)]));
  const style = (): Style =>
    new Style({ fill: new Fill({ color: colour("land") }), stroke: new Stroke({ color: colour("coast"), width: 1 }) });
  return layer([new Feature(shape)], style);
}

function circle(to: Projection, latitude: number): Position[] {
  return Array.from({ length: 361 }, (_, degree) => to.forward(degree - 180, latitude));
}

function range(from: number, until: number, step: number): number[] {
  return Array.from({ length: Math.ceil((until - from) / step) }, (_, index) => from + index * step);
}

/** Meridians and parallels far apart, closer together where the map is enlarged, and degrees along both. */
export function graticuleLayers(to: Projection, words: Degrees): VectorLayer[] {
  const grid = (parallels: readonly number[], meridians: readonly number[], bounds: Record<string, number>): VectorLayer[] => {
    const around = parallels.map((latitude) => circle(to, latitude));
    const through = meridians.map((east) => [to.forward(east, SOUTH), to.forward(east, east % 90 ? 80 : 90)]);
    const shape = new MultiLineString([...around, ...through]);
    const stroke = (): Style => new Style({ stroke: new Stroke({ color: colour("grid"), width: 1 }) });
    const lines = layer([new Feature(shape)], stroke, bounds);
    const names = meridians.flatMap((east) => [
      ...parallels.map((north) => ({
        at: to.forward(east, north),
        words: north === SOUTH ? words.east(east) : words.north(north),
      })),
      ...parallels.slice(0, -1).map((north, index) => ({
        at: to.forward(east, (north + parallels[index + 1]!) / 2),
        words: words.east(east),
      })),
    ]);
    return [lines, nameLayer(names, bounds)];
  };
  return [
    ...grid([SOUTH, 50, 60, 70, 80], range(-180, 180, 30), { minResolution: CLOSE }),
    ...grid(range(46, 90, 2), range(-180, 180, 10), { maxResolution: CLOSE }),
  ];
}

function nameLayer(names: readonly { at: Position; words: string }[], bounds: Record<string, number>): VectorLayer {
  const features = names.map(({ at, words }) => new Feature({ geometry: new Point(at), words }));
  const source = new VectorSource({ features, wrapX: false });
  const style = (feature: { get(key: string): unknown }): Style =>
    new Style({
      text: new Text({
        text: String(feature.get("words")),
        font: '13px "iAOS Sans", sans-serif',
        padding: [24, 60, 24, 60],
        fill: new Fill({ color: colour("ink") }),
        stroke: new Stroke({ color: colour("page"), width: 3 }),
      }),
    });
  return new VectorLayer({ source, style, declutter: true, ...bounds });
}

/** Areas (which would tint what lies below them), edges and dots. */
export function footprintLayers({ areas, edges, dots }: Footprints, code: string, paint = "accent"): VectorLayer[] {
  const turn = turnTo(code);
  const area = new Feature(new MultiPolygon(areas.map((ring) => [ring.map(turn)])));
  const edge = edges.map((line) => new Feature(new LineString(line.map(turn))));
  const dot = new Feature(new MultiPoint(dots.map(turn)));
  const fill = (): Style => new Style({ fill: new Fill({ color: colour(paint) }) });
  const stroke = (): Style =>
    new Style({ stroke: new Stroke({ color: colour(paint), width: 2, lineJoin: "round", lineCap: "round" }) });
  const point = (): Style => {
    const radius = dots.length > 1 ? 3.5 : 6;
    const rim = new Stroke({ color: colour("page"), width: 1 });
    return new Style({ image: new Circle({ radius, fill: new Fill({ color: colour(paint) }), stroke: rim }) });
  };
  return [layer([area], fill, { opacity: 0.15 }), layer(edge, stroke), layer([dot], point)];
}
