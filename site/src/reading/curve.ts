/** An answer as a curve: values in the order of times or depths. */

import type { Column, Table } from "./query";

/** Values along an axis, in the order of the axis. */
export interface Curve {
  name: string;
  unit: string;
  x: number[];
  y: (number | null)[];
  axis: { name: string; unit: string; times: boolean };
  /** Whether the axis stands upright, and which way its values grow there. */
  upright: boolean;
  direction: 1 | -1;
}

export function curveOf(table: Table): Curve {
  const axis = against(table);
  const { name, unit, values } = table.columns.at(-1)!;
  const placed = Array.from(values, (_, index) => index).filter((index) => !Number.isNaN(axis.values[index]!));
  const order = placed.sort((a, b) => axis.values[a]! - axis.values[b]!);
  const up = table.plan.axes.find((one) => one.name === axis.name)?.up;
  return {
    name,
    unit,
    x: order.map((index) => axis.values[index]! / (axis.times ? 1000 : 1)),
    y: order.map((index) => (Number.isNaN(values[index]!) ? null : values[index]!)),
    axis: { name: axis.name, unit: axis.unit, times: axis.times },
    upright: table.plan.question.kind === "profile",
    direction: up ? 1 : -1,
  };
}

/** The column to plot against: times, or the depths of a profile; without them, the first. */
function against({ plan, columns }: Table): Column {
  const wanted = plan.axes.findIndex((one) => one.of === (plan.question.kind === "profile" ? "depth" : "time"));
  return columns[Math.max(0, wanted)]!;
}

/** Least and greatest place on the axis. */
export function span(curves: readonly Curve[]): [number, number] {
  return [Math.min(...curves.map((one) => one.x[0]!)), Math.max(...curves.map((one) => one.x.at(-1)!))];
}
