/** CF conventions as xarray decodes them: unsigned numbers, missing values, packing, times. */

export type Attributes = Readonly<Record<string, unknown>>;
export type Raw = ArrayLike<number> | ArrayLike<bigint> | ArrayLike<string> | ArrayLike<boolean>;

/** Numbers with NaN for what is missing, or words, empty where they are missing. */
export type Values = Float64Array | string[];

function numbers(value: unknown): number[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter((one) => typeof one === "number" || one === "NaN").map(Number);
}

function scalar(value: unknown): number | undefined {
  return numbers(value)[0];
}

/** Decodes values in the order of xarray: sign, missing, scale. `fill` is the array's own fill value. */
export function decode(raw: Raw, attributes: Attributes, dtype: string, fill: unknown): Values {
  if (raw.length > 0 && typeof raw[0] === "string") return words(raw as ArrayLike<string>, attributes._FillValue);
  const unsigned = signed(attributes._Unsigned, dtype);
  const values = Float64Array.from(raw as ArrayLike<number>, unsigned);
  const missing = [attributes._FillValue, attributes.missing_value, fill].flatMap(numbers).map(unsigned);
  const scale = scalar(attributes.scale_factor);
  const offset = scalar(attributes.add_offset);
  if (missing.length === 0 && scale === undefined && offset === undefined) return values;
  const absent = new Set(dtype === "float32" ? missing.map(Math.fround) : missing);
  for (let i = 0; i < values.length; i += 1) {
    if (absent.has(values[i]!)) values[i] = NaN;
    else if (scale !== undefined || offset !== undefined) values[i] = values[i]! * (scale ?? 1) + (offset ?? 0);
  }
  return values;
}

/** What is larger was never written: where a file says no fill value, netCDF-C takes 9.97e36. */
const UNWRITTEN = 9e36;

/** Makes decoded numbers missing that are outside of their valid range (CF conventions 2.5.1) or were never written. */
export function valid(values: Float64Array, attributes: Attributes, dtype: string): Float64Array {
  const ends = validRange(attributes, dtype);
  const [low, high] = dtype === "float32" ? ends.map(Math.fround) : ends;
  return values.map((value) => (value >= low! && value <= high! ? value : NaN));
}

/** Bounds of packed numbers are packed too, unless they are real numbers. */
function validRange(attributes: Attributes, dtype: string): number[] {
  const { valid_range, valid_min, valid_max, valid_reals } = attributes;
  const unsigned = valid_reals ? Number : signed(attributes._Unsigned, dtype);
  const said = (Array.isArray(valid_range) ? valid_range : [valid_min, valid_max]).map((end) => unsigned(scalar(end)));
  const [factor, shift] = [scalar(attributes.scale_factor) ?? 1, scalar(attributes.add_offset) ?? 0];
  const packed = !valid_reals && (factor !== 1 || shift !== 0);
  const [scale, offset] = packed ? [factor, shift] : [1, 0];
  const [low, high] = [0, 1].map((side) => (Number.isFinite(said[side]) ? said[side]! * scale + offset : undefined));
  const margin = packed ? Math.abs(scale) / 2 : 0;
  const ends = scale < 0 ? [high, low] : [low, high];
  const [least, greatest] = ends[0]! > ends[1]! ? ends.reverse() : ends;
  return [(least ?? -UNWRITTEN) - margin, (greatest ?? UNWRITTEN) + margin];
}

function words(raw: ArrayLike<string>, fill: unknown): string[] {
  const missing = typeof fill === "string" ? fill.trimEnd() : undefined;
  return Array.from(raw, (one) => (missing !== undefined && one.trimEnd() === missing ? "" : one));
}

/** Reads whole numbers with or without sign where `_Unsigned` says otherwise than the type. */
function signed(says: unknown, dtype: string): (value: unknown) => number {
  const bits = Number(/^u?int(8|16|32)$/.exec(dtype)?.[1] ?? 0);
  const word = String(says ?? "").toLowerCase();
  const range = 2 ** bits;
  if (bits > 0 && word === "true" && dtype.startsWith("i")) return (value) => (Number(value) + range) % range;
  if (bits > 0 && word === "false" && dtype.startsWith("u"))
    return (value) => (Number(value) >= range / 2 ? Number(value) - range : Number(value));
  return Number;
}

const SECONDS: Readonly<Record<string, number>> = {
  nanosecond: 1e-9, microsecond: 1e-6, millisecond: 1e-3, msec: 1e-3, ms: 1e-3,
  second: 1, sec: 1, s: 1, minute: 60, min: 60, hour: 3600, hr: 3600, h: 3600, day: 86400, d: 86400,
};
const GREGORIAN = new Set(["standard", "gregorian", "proleptic_gregorian"]);
/** Julian day of 1970-01-01T00:00Z, and of the first day of the Gregorian calendar, 1582-10-15. */
const EPOCH = 2440587.5;
const REFORM = 2299160.5;

/** Returns how to turn numbers into milliseconds since 1970; nothing for what is no time of a real calendar. */
export function timeReader(attributes: Attributes): ((value: number) => number) | undefined {
  const [, unit, year, month, day, clock] =
    /^\s*(\w+?)s?\s+since\s+(-?\d{1,4})-(\d{1,2})-(\d{1,2})(?:[T ]\s*(.*))?$/.exec(String(attributes.units ?? "")) ?? [];
  const step = SECONDS[(unit ?? "").toLowerCase()];
  const calendar = String(attributes.calendar ?? "standard").toLowerCase();
  if (step === undefined || !GREGORIAN.has(calendar)) return undefined;
  const mixed = calendar !== "proleptic_gregorian";
  const start = milliseconds(Number(year), Number(month), Number(day), mixed) + clockOf(clock ?? "");
  return (value) => start + Math.round(value * step * 1000);
}

/** Midnight of a date; before 15 October 1582 the standard calendar is Julian (CF conventions 4.4.1). */
function milliseconds(year: number, month: number, day: number, mixed: boolean): number {
  const gregorian = Date.UTC(2000, month - 1, day) - Date.UTC(2000, 0, 1);
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, day);
  const proleptic = moment.getTime();
  if (!mixed || proleptic / 86_400_000 + EPOCH >= REFORM || !Number.isFinite(gregorian)) return proleptic;
  const shift = Math.floor((14 - month) / 12);
  const [y, m] = [year + 4800 - shift, month + 12 * shift - 3];
  const julian = day + Math.floor((153 * m + 2) / 5) + 365 * y + Math.floor(y / 4) - 32083;
  return (julian - 0.5 - EPOCH) * 86_400_000;
}

/** Hours, minutes, seconds and time zone of a reference time, in milliseconds. */
function clockOf(words: string): number {
  const found = /^(\d{1,2})(?::(\d{1,2}))?(?::(\d{1,2}(?:\.\d*)?))?\s*(?:Z|UTC|GMT|([+-]\d{1,2}):?(\d{2})?)?/i.exec(words.trim());
  if (!found) return 0;
  const [, hour, minute, second, zone, rest] = found;
  const seconds = Number(hour) * 3600 + Number(minute ?? 0) * 60 + Number(second ?? 0);
  const away = zone ? Number(zone) * 3600 + Math.sign(Number(zone)) * Number(rest ?? 0) * 60 : 0;
  return (seconds - away) * 1000;
}
