/** An answer as a picture: values of a grid by rows and columns, whatever the order of the file's dimensions. */

import type { Table } from "./query";

export interface Picture {
  width: number;
  height: number;
  /** Row by row. */
  values: Float64Array;
  low: number;
  high: number;
}

/** The first of several grids. */
export function pictureOf({ plan, block }: Table): Picture {
  const { dims, shape } = block;
  const along = (dim: string): { length: number; step: number } => {
    const axis = dims.indexOf(dim);
    return { length: shape[axis]!, step: shape.slice(axis + 1).reduce((product, length) => product * length, 1) };
  };
  const [down, right] = plan.across!.map(along) as [ReturnType<typeof along>, ReturnType<typeof along>];
  const [height, width] = [down.length, right.length];
  const values = new Float64Array(width * height);
  let [low, high] = [Infinity, -Infinity];
  for (let row = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1) {
      const value = Number(block.values[row * down.step + column * right.step]);
      values[row * width + column] = value;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  return { width, height, values, low, high };
}
