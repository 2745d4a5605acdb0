/** The map itself: an OpenLayers map in one of the polar projections, and the way between them. */

import OlMap from "ol/Map";
import View from "ol/View";
import { defaults as interactions } from "ol/interaction/defaults";
import { Projection as OlProjection } from "ol/proj";
import type BaseLayer from "ol/layer/Base";
import { projection, type Position } from "../lib/projections";
import { DRAWN, type Footprints, type Origin } from "./drawing";
import { footprintLayers, graticuleLayers, landLayer, seaLayer, turnTo, type Degrees } from "./layers";

/** How far the middle of the map may be from the pole, and what is seen at most, metres. */
const FARTHEST = 5_400_000;
const WIDEST = 12_000_000;
/** Finest size of a pixel, metres. */
const FINEST = 30;

/** Layers that others put on the map, by the code of its projection. */
export type More = (code: string) => BaseLayer[];

export class Chart {
  readonly map: OlMap;
  code: string = DRAWN;
  private readonly below = new Map<string, More>();

  constructor(
    private readonly target: HTMLElement,
    private readonly shapes: Footprints,
    private readonly land: readonly Position[][],
    private readonly degrees: Degrees,
    origin: Origin,
  ) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.duration = still ? 0 : 200;
    this.map = new OlMap({
      target,
      controls: [],
      interactions: interactions({
        onFocusOnly: true,
        altShiftDragRotate: false,
        pinchRotate: false,
        zoomDuration: this.duration,
      }),
    });
    this.home = this.placed(origin);
    this.show(DRAWN);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.refresh());
  }

  private home: readonly [Position, number];
  private readonly duration: number;

  get view(): View {
    return this.map.getView();
  }

  /** Degrees east and north of a place on the map. */
  lonlat(at: readonly number[]): Position {
    return projection(this.code)!.inverse(at[0]!, at[1]!);
  }

  /** Shows the map in a projection, its middle where it was. */
  show(code: string): void {
    const before = this.view.getCenter();
    const turned = before && projection(code)!.forward(...this.lonlat(before));
    const resolution = this.view.getResolution() ?? this.home[1];
    this.code = code;
    this.map.setView(
      new View({
        projection: new OlProjection({ code, units: "m", extent: [-WIDEST, -WIDEST, WIDEST, WIDEST] }),
        center: turned ?? this.home[0],
        resolution,
        extent: [-FARTHEST, -FARTHEST, FARTHEST, FARTHEST],
        constrainOnlyCenter: true,
        minResolution: FINEST,
        maxResolution: WIDEST / (this.target.clientWidth || 600),
        enableRotation: false,
      }),
    );
    this.refresh();
  }

  /** Puts layers between land and graticule, in place of those of the same name. */
  put(name: string, below: More): void {
    this.below.set(name, below);
    this.refresh();
  }

  private refresh(): void {
    const to = projection(this.code)!;
    const below = [...this.below.values()].flatMap((more) => more(this.code));
    this.map.setLayers([
      seaLayer(to),
      landLayer(this.land, this.code),
      ...below,
      ...graticuleLayers(to, this.degrees),
      ...footprintLayers(this.shapes, this.code).slice(below.length > 0 ? 1 : 0),
    ]);
  }

  private placed([x, y, unit]: Origin): readonly [Position, number] {
    return [[x, y], (unit * 10_000) / (this.target.clientWidth || 600)];
  }

  /** Shows another place, which is then the one to go back to. */
  rest(origin: Origin): void {
    this.home = this.placed(origin);
    this.view.setCenter(turnTo(this.code)([...this.home[0]]));
    this.view.setResolution(this.home[1]);
  }

  /** Whether it shows the place to go back to. */
  get rests(): boolean {
    const { center, resolution } = this.view.getState();
    const [x, y] = turnTo(this.code)([...this.home[0]]);
    return Math.hypot(center[0]! - x, center[1]! - y) <= resolution && Math.abs(resolution / this.home[1] - 1) <= 1e-6;
  }

  zoom(by: number): void {
    const next = this.view.getConstrainedZoom((this.view.getZoom() ?? 0) + by);
    this.view.animate({ ...(next === undefined ? {} : { zoom: next }), duration: this.duration });
  }

  goHome(): void {
    const [at, resolution] = this.home;
    this.view.animate({ center: turnTo(this.code)([...at]), resolution, duration: this.duration });
  }
}
