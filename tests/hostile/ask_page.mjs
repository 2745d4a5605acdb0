// Asks the published reader of the pages: a list of files with questions → what it offers, and its answers, as JSON.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [bundle, jobs] = process.argv.slice(2);
const { pictureOf, csv, curveOf, Dataset, kindsOf, measured, python, Reader } = await import(pathToFileURL(bundle).href);
const plain = (value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
const number = (_, value) => (value === "-Infinity" || value === "Infinity" ? Number(value) : value);

async function answer(reader, question, opening) {
  const plan = await reader.plan(question);
  const table = await reader.read(plan);
  const { width, height, values } = question.kind === "map" ? pictureOf(table) : { values: [] };
  const picture = { width, height, values: Array.from(values, plain) };
  const { x, y } = curveOf(table);
  return { csv: csv(table, []), picture, curve: { x, y }, away: plan.away, place: plan.place, python: python(table, opening) };
}

async function answers({ references, crs, opening, questions }) {
  const dataset = await Dataset.open(references);
  const reader = new Reader(dataset, crs);
  const offered = measured(dataset).map((one) => [one.name, kindsOf(reader.roles(one.name), one)]);
  const found = [];
  for (const question of questions)
    found.push(await answer(reader, question, opening).catch((trouble) => ({ error: `${trouble.name} ${trouble.message}` })));
  return { offered: Object.fromEntries(offered), answers: found };
}

const all = [];
for (const job of JSON.parse(readFileSync(jobs, "utf8"), number))
  all.push(await answers(job).catch((trouble) => ({ error: `${trouble.name} ${trouble.message}` })));
console.log(JSON.stringify(all));
