/** Draws a grid on the map: each pixel gets the cell it lies in, whatever the two projections are. Needs no WebGL. */

import ImageLayer from "ol/layer/Image";
import ImageSource from "ol/source/Image";
import { projection, type Position } from "../../lib/projections";
import type { Grid, Part } from "./grid";
import type { Palette } from "./palette";

/** Steps along each side of a view at which its outline on the grid is followed. */
const STEPS = 16;

/** Turns places of the map into places of the grid. */
export function turnInto(grid: Grid, code: string, gridCode: string): (at: Position) => Position {
  if (code === gridCode) return (at) => at;
  const from = projection(code)!;
  return ([x, y]) => grid.crs.forward(...from.inverse(x, y));
}

export function rasterLayer(grid: Grid, palette: Palette, code: string, fail: (trouble: unknown) => void): ImageLayer<ImageSource> {
  const turn = turnInto(grid, code, palette.of.code);
  const degrees = palette.of.code === "EPSG:4326";
  const source = new ImageSource({
    interpolate: false,
    loader: async (extent: number[], resolution: number, pixelRatio: number) => {
      const [left, bottom, right, top] = extent as [number, number, number, number];
      const size = resolution / pixelRatio;
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round((right - left) / size));
      canvas.height = Math.max(1, Math.round((top - bottom) / size));
      try {
        const part = await grid.part(outline(extent, turn), degrees ? size / 111_195 : size);
        if (part) paint(canvas, [left, top, size], part, turn, grid, palette);
      } catch (trouble) {
        fail(trouble);
      }
      return { image: canvas, extent, resolution, pixelRatio };
    },
  });
  return new ImageLayer({ source });
}

function outline([left, bottom, right, top]: number[], turn: (at: Position) => Position): Position[] {
  const places: Position[] = [];
  for (let i = 0; i <= STEPS; i += 1)
    for (let j = 0; j <= STEPS; j += 1)
      places.push(turn([left! + ((right! - left!) * i) / STEPS, bottom! + ((top! - bottom!) * j) / STEPS]));
  return places;
}

function paint(
  canvas: HTMLCanvasElement,
  [left, top, size]: readonly [number, number, number],
  part: Part,
  turn: (at: Position) => Position,
  grid: Grid,
  palette: Palette,
): void {
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(canvas.width, canvas.height);
  for (let row = 0; row < canvas.height; row += 1)
    for (let column = 0; column < canvas.width; column += 1) {
      const [x, y] = turn([left + (column + 0.5) * size, top - (row + 0.5) * size]);
      const across = Math.floor((x - part.left) / part.across);
      const down = Math.floor((y - part.top) / part.down);
      if (across < 0 || down < 0 || across >= part.width || down >= part.height) continue;
      const value = part.values[down * part.width + across]!;
      const colour = grid.isMissing(value) ? undefined : palette.colour(value);
      if (colour) image.data.set([...colour, 255], 4 * (row * canvas.width + column));
    }
  context.putImageData(image, 0, 0);
}
