/** A layer as its page in the catalogue describes it: footprints as the builder drew them, rasters, and what can be read. */

import { footprints, originOf, type Footprints } from "../map/drawing";
import type { Described } from "../map/raster/palette";

export interface Source {
  title: string;
  lang: string;
  partner: string;
  /** Address of its page. */
  page: string;
  shapes: Footprints;
  rasters: Described[];
  /** What the page's panel "Read values" is told; its address of references is whole. */
  reading: Readable | undefined;
}

export interface Readable {
  references: string;
  size: string;
  etag: string;
  crs: string;
  opening: string;
  cite: string;
}

/** The catalogue has no such page any more, or nothing on it that can be compared. */
export class Missing extends Error {}

function pageOf(path: string, root: URL): URL {
  return new URL(path.replace(/(^|\/)collection\.json$/, "$1index.html").replace(/\.json$/, ".html"), root);
}

/** What stands for a layer while its page is not there: its path, and nothing to draw. */
export function unopened(path: string, root: URL): Source {
  const shapes = { areas: [], edges: [], dots: [] };
  return { title: path, lang: "", partner: "", page: pageOf(path, root).href, shapes, rasters: [], reading: undefined };
}

/** Fetches a layer's page, from this catalogue only, and takes from it what is told to its map and panel. */
export async function sourceOf(path: string, root: URL): Promise<Source> {
  const page = pageOf(path, root);
  const answer = await fetch(page, { mode: "same-origin" });
  if (answer.status === 404 || answer.status === 410) throw new Missing(path);
  if (!answer.ok) throw new Error(String(answer.status));
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  const title = found.querySelector("h1");
  const figure = found.querySelector<HTMLElement>("figure.map");
  if (!title || !figure) throw new (found.querySelector('link[href$="static/site.css"]') ? Missing : Error)(path);
  const drawing = figure.querySelector("svg");
  const origin = drawing && originOf(drawing);
  const panel = found.querySelector<HTMLElement>('[data-app="read"]');
  const described = JSON.parse(figure.dataset["rasters"] ?? "[]") as Described[];
  return {
    title: title.textContent.trim(),
    lang: title.lang,
    partner: found.querySelectorAll(".crumbs a")[1]?.textContent ?? "",
    page: page.href,
    shapes: origin ? footprints(drawing, origin) : { areas: [], edges: [], dots: [] },
    rasters: described.map((one) => ({ ...one, href: new URL(one.href, page).href })),
    reading: panel ? readable(panel.dataset, page) : undefined,
  };
}

function readable(said: DOMStringMap, page: URL): Readable {
  const { references = "", size = "", etag = "", crs = "", opening = "", cite = "" } = said;
  return { references: new URL(references, page).href, size, etag, crs, opening, cite };
}
