/** Reads the values of NetCDF files in place, through kerchunk references and HTTP ranges. */

export { pictureOf } from "./picture";
export { fletcher32 } from "./codecs";
export { timeReader } from "./cf";
export { curveOf, type Curve } from "./curve";
export { csv, python } from "./exports";
export { Dataset, type Block, type Selection, type Variable } from "./dataset";
export { cost, Ranges, spans } from "./ranges";
export { kilometres } from "./nearby";
export { kindsOf, Reader, type Question, type Table } from "./query";
export { openReferences } from "./references";
export { measured, rolesOf } from "./roles";
export { ReadError } from "./trouble";
