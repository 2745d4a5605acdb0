// Reads values with the published reader: a list of [references, names, selection, version] → values as JSON.
import { readFileSync } from "node:fs";

const [bundle, jobs] = process.argv.slice(2);
const { pictureOf, curveOf, Dataset, python, Reader, timeReader } = await import(bundle);
const plain = (value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);

async function variable(dataset, name, selection) {
  const before = { ...dataset.ranges.spent };
  const cost = await dataset.cost([[name, selection]]);
  const { shape, dims, values } = await dataset.read(name, selection);
  const { requests, bytes } = dataset.ranges.spent;
  const spent = { requests: requests - before.requests, bytes: bytes - before.bytes };
  return { shape, dims, cost, spent, values: Array.from(values, plain) };
}

async function answer(job) {
  if (job.time) return job.values.map(timeReader(job.time));
  let failing = job.failing ?? 0;
  const request = (href, options) => (options.headers && failing-- > 0 ? Promise.reject(new TypeError("network")) : fetch(href, options));
  const dataset = await Dataset.open(job.references, job.version ?? {}, request);
  if (job.question) {
    const reader = new Reader(dataset, job.crs ?? "");
    const failed = job.failing ? await reader.plan(job.question).then(() => "", (trouble) => trouble.message) : "";
    const plan = await reader.plan(job.question).catch((trouble) => ({ error: trouble.message, spent: dataset.ranges.spent }));
    if (plan.error) return plan;
    const table = await reader.read(plan);
    const columns = table.columns.map((one) => ({ name: one.name, unit: one.unit, values: Array.from(one.values, plain) }));
    return { columns, cost: plan.cost, spent: dataset.ranges.spent, selection: plan.selection, away: plan.away, place: plan.place, failed, curve: curveOf(table), cells: plan.across && pictureOf(table), python: python(table, job.opening ?? "", job.groups) };
  }
  const found = {};
  for (const name of job.names ?? dataset.variables.keys())
    found[name] = await variable(dataset, name, job.selection ?? {}).catch((trouble) => ({ error: trouble.message }));
  return found;
}

const answers = [];
const infinite = (_, value) => (value === "Infinity" || value === "-Infinity" ? Number(value) : value);
for (const job of JSON.parse(readFileSync(jobs, "utf8"), infinite))
  answers.push(await answer(job).catch((trouble) => ({ error: trouble.message })));
console.log(JSON.stringify(answers));
