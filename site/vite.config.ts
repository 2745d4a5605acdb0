// Bundles the browser code into static/app: entries keep their names, what they share is named after its content.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { defineConfig, type Plugin } from "vite";

const HERE = import.meta.dirname;
const OUT = join(HERE, "static/app");
const BUILT = join(HERE, "built.json");
const SOURCES = ["package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"];

/** What several entries share, each library in a file of its own, so that it changes only with its version. */
const GROUPS = [
  { name: "preload", test: /vite\/preload-helper/ },
  { name: "lib", test: /src\/lib\/(dom|kept|patience)\.ts/ },
  { name: "map", test: /node_modules\/(ol|rbush|quickselect)\// },
  { name: "parquet", test: /node_modules\/hyparquet\// },
  { name: "zarr", test: /node_modules\/(zarrita|@zarrita|numcodecs|fzstd|unzipit|reference-spec-reader)\// },
  { name: "plot", test: /node_modules\/uplot\// },
];

function digest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function files(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return found.map((entry) => relative(HERE, join(entry.parentPath, entry.name))).sort();
}

/** Writes down from which sources the committed files were built, so that a test without Node can tell. */
function record(): Plugin {
  const sums = (names: string[]) => Object.fromEntries(names.map((name) => [name, digest(join(HERE, name))]));
  return {
    name: "record",
    closeBundle() {
      const sources = [...SOURCES, ...files(join(HERE, "src"))].sort();
      writeFileSync(BUILT, `${JSON.stringify({ sources: sums(sources), bundle: sums(files(OUT)) }, null, 1)}\n`);
    },
  };
}

/** Takes out Vite's preloading: there is nothing to preload, and its helper would be one more file for every page. */
function plainImports(): Plugin {
  return {
    name: "plain-imports",
    enforce: "post",
    generateBundle(_, bundle) {
      for (const [name, chunk] of Object.entries(bundle)) {
        if (chunk.type !== "chunk") continue;
        if (chunk.name === "preload") delete bundle[name];
        chunk.code = chunk.code.replace(/import\{\w+ as (\w+)\}from"\.\/(?:chunks\/)?preload-[^"]+";/, "const $1=(load)=>load();");
        if (/preload-/.test(chunk.code)) throw new Error(`${name} preloads`);
        if (name === "page.js" && /^import|from"/.test(chunk.code)) throw new Error("page.js imports something at once");
      }
    },
  };
}

export default defineConfig({
  root: HERE,
  base: "./",
  publicDir: false,
  // Codecs in WebAssembly: the pages' policy forbids it; src/reading/codecs.ts and src/map/raster stand in.
  resolve: {
    alias: [
      { find: /^numcodecs\/.*/, replacement: join(HERE, "src/reading/nocodec.ts") },
      { find: /^zstddec(\/.*)?$/, replacement: join(HERE, "src/map/raster/zstd.ts") },
      { find: /^lerc$/, replacement: join(HERE, "src/map/raster/nolerc.ts") },
    ],
  },
  logLevel: "warn",
  plugins: [plainImports(), record()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
    license: { fileName: "licences.md" },
    rolldownOptions: {
      // `reading` and `projections` are entries of their own, so that tests run under Node the very files that are published.
      input: { page: join(HERE, "src/page.ts"), projections: join(HERE, "src/lib/projections.ts"), reading: join(HERE, "src/reading/index.ts") },
      preserveEntrySignatures: "exports-only",
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "chunks/[name]-[hash].js",
        assetFileNames: "[name][extname]",
        codeSplitting: { groups: GROUPS },
      },
    },
  },
});
