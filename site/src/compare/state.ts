/** What is compared, as it stands in the address of the page: layers in their order, the place, the view, what to read. */

export interface Layer {
  /** Path of its STAC document below the catalogue. */
  path: string;
  hidden: boolean;
  /** Per cent. */
  opacity: number;
  /** Which of its rasters is drawn; -1 for none. */
  raster: number;
  /** What is read of it; empty for the first that can be. */
  variable: string;
  kind: string;
}

export interface State {
  layers: Layer[];
  /** The chosen place, degrees east and north. */
  at?: [number, number];
  /** Middle of the map, degrees east and north, and its width in kilometres; missing where all layers are seen. */
  view?: [number, number, number];
  /** EPSG code of the map's projection; empty for the usual one. */
  crs: string;
  /** First and last day (ISO 8601), and depth in the unit of the file. */
  from: string;
  to: string;
  depth: string;
}

/** More are not shown at once. */
export const MOST = 12;
/** Paths as the catalogue makes them; no segment begins with a dot, so none leads out of it. */
const PATH = /^[a-z0-9][\w.-]*(\/[a-z0-9][\w.-]*){1,5}\.json$/i;

export function layerOf(path: string): Layer | undefined {
  if (!PATH.test(path) || path.length > 300) return undefined;
  return { path, hidden: false, opacity: 100, raster: 0, variable: "", kind: "" };
}

/** The path that an address of a page or document of this catalogue means; nothing for any other address. */
export function pathOf(address: string, root: URL): string | undefined {
  const url = URL.canParse(address.trim(), root) ? new URL(address.trim(), root) : undefined;
  if (!url || !`${url.origin}${url.pathname}`.startsWith(root.href)) return undefined;
  const path = url.href.slice(root.href.length).replace(/[?#].*/, "");
  return layerOf(path.replace(/(^|\/)index\.html$/, "$1collection.json").replace(/\.html$/, ".json"))?.path;
}

/** Reads an address; `refused` says that some of it is not understood. */
export function stateOf(query: URLSearchParams): { state: State; refused: boolean } {
  let refused = false;
  const take = <T>(found: T | undefined): T | undefined => {
    refused ||= found === undefined;
    return found;
  };
  const matched = (name: string, pattern: RegExp): string => {
    const said = query.get(name) ?? "";
    return said === "" ? "" : (take(pattern.test(said) ? said : undefined) ?? "");
  };
  const numbers = (name: string, most: readonly number[]): number[] | undefined => {
    if (!query.has(name)) return undefined;
    const found = query.get(name)!.split(",").map((one) => (one.trim() ? Number(one) : NaN));
    return take(found.length === most.length && found.every((one, at) => Math.abs(one) <= most[at]!) ? found : undefined);
  };
  const layers = query.getAll("layer").flatMap((said) => take(layerSaid(said)) ?? []);
  const state: State = {
    layers: unique(layers.slice(0, MOST)),
    crs: matched("crs", /^\d{4}$/),
    from: matched("from", /^\d{4}-\d\d-\d\d$/),
    to: matched("to", /^\d{4}-\d\d-\d\d$/),
    depth: matched("depth", /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i),
  };
  const at = numbers("at", [180, 90]);
  const view = numbers("view", [180, 90, 25_000]);
  if (at) state.at = at as [number, number];
  if (view && take(view[2]! > 0 || undefined)) state.view = view as [number, number, number];
  return { state, refused: refused || layers.length > MOST };
}

function unique(layers: readonly Layer[]): Layer[] {
  return [...new Map(layers.map((one) => [one.path, one])).values()];
}

/** A layer as the address has it: `path;hidden;opacity=40;raster=1;variable=TEMP;kind=profile`. */
function layerSaid(said: string): Layer | undefined {
  const [path = "", ...options] = said.split(";");
  const layer = layerOf(path);
  if (!layer) return undefined;
  for (const option of options) {
    const [name, value = ""] = option.split(/=(.*)/s);
    if (name === "hidden") layer.hidden = true;
    else if (name === "opacity" && /^\d{1,3}$/.test(value) && Number(value) <= 100) layer.opacity = Number(value);
    else if (name === "raster" && /^(-1|\d{1,2})$/.test(value)) layer.raster = Number(value);
    else if (name === "variable" && value.length <= 200) layer.variable = value;
    else if (name === "kind" && /^(series|profile)$/.test(value)) layer.kind = value;
    else return undefined;
  }
  return layer;
}

/** Writes the address; what is as usual is left out. */
export function queryOf(state: State): string {
  const parts: [string, string][] = state.layers.map((one) => ["layer", written(one)]);
  if (state.at) parts.push(["at", state.at.map((degrees) => Number(degrees.toFixed(4))).join(",")]);
  if (state.view) parts.push(["view", state.view.map((one) => Number(one.toFixed(3))).join(",")]);
  for (const name of ["crs", "from", "to", "depth"] as const) if (state[name]) parts.push([name, state[name]]);
  return parts.map(([name, value]) => `${name}=${plain(value)}`).join("&");
}

function written({ path, hidden, opacity, raster, variable, kind }: Layer): string {
  const options = [
    hidden && "hidden",
    opacity < 100 && `opacity=${opacity}`,
    raster !== 0 && `raster=${raster}`,
    variable && !variable.includes(";") && `variable=${variable}`,
    kind && `kind=${kind}`,
  ];
  return [path, ...options].filter(Boolean).join(";");
}

/** Escapes what has a meaning in a query, and leaves readable what has none there. */
function plain(value: string): string {
  return encodeURIComponent(value).replace(/%(2F|3B|2C|3D)/g, decodeURIComponent);
}
