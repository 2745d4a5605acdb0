// Opens an item's page, reads values as a visitor would, and prints what the page then shows.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const puppeteer = (await import(createRequire(`${process.cwd()}/`).resolve("puppeteer-core"))).default;
const axe = readFileSync(createRequire(`${process.cwd()}/`).resolve("axe-core/axe.min.js"), "utf8");
const [page_url, chromium, folder, more = "{}"] = process.argv.slice(2);
/** Width and colours; `frame`: the page is another site's, and ours is in its frame; `fields`: what is filled in, by kind. */
const { width = 1000, scheme = "light", frame = false, fields = {} } = JSON.parse(more);

/** What axe-core finds wrong with the page as it stands. */
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run());
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 100))}`);
}

async function download(page, place) {
  const name = await place.$eval("[data-answer] a[download]", (link) => link.download);
  await place.click("[data-answer] a[download]");
  for (let tries = 0; tries < 100; tries += 1) {
    if (existsSync(join(folder, name))) return readFileSync(join(folder, name), "utf8");
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`no file ${name}`);
}

const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  await page.setViewport({ width, height: 1200 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  const client = await page.createCDPSession();
  await client.send("Page.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  const problems = [];
  const asked = [];
  page.on("pageerror", (trouble) => problems.push(String(trouble)));
  page.on("console", (said) => ["error", "warning"].includes(said.type()) && problems.push(said.text()));
  page.on("request", (request) => asked.push([request.url(), request.headers().range ?? ""]));
  await page.goto(page_url, { waitUntil: "networkidle0" });
  const before = asked.length;
  const place = frame ? await (await page.waitForSelector("iframe")).contentFrame() : page;
  await place.focus('[data-app="read"] [data-start]');
  await page.keyboard.press("Enter");
  await place.waitForSelector('[data-app="read"] form button:not([disabled])', { timeout: 20000 });
  const kinds = await place.$$eval('select[name="kind"] option', (found) => found.map((one) => one.value));
  const read = [];
  for (const kind of kinds) {
    await place.select('select[name="kind"]', kind);
    await place.waitForFunction(() => !document.querySelector('[data-app="read"] form button').disabled, { timeout: 20000 });
    for (const [name, value] of Object.entries(fields[kind] ?? {})) await place.type(`input[name="${name}"]`, value);
    if (fields[kind]) await page.keyboard.press("Tab");
    await new Promise((done) => setTimeout(done, 300));
    await place.waitForFunction(() => !document.querySelector('[data-app="read"] form button').disabled, { timeout: 20000 });
    const price = await place.$eval('[data-app="read"] form ~ p[role="status"]', (one) => one.textContent);
    await place.focus('[data-app="read"] form button');
    await page.keyboard.press("Enter");
    await place.waitForSelector(`[data-done="${kind}"]`, { timeout: 20000 });
    const csv = await download(page, place);
    const code = await place.$eval("[data-answer] pre code", (one) => one.textContent);
    const plots = (await place.$$("[data-answer] canvas")).length;
    const rows = (await place.$$("[data-answer] tbody tr")).length;
    read.push({ kind, price, csv, code, plots, rows });
    for (const one of await violations(place)) problems.push(`${kind}: ${one}`);
    await page.screenshot({ path: join(folder, `${kind}.png`), fullPage: true });
  }
  const wide = await place.evaluate(() => document.documentElement.scrollWidth);
  console.log(JSON.stringify({ problems, before, asked, read, wide }));
} finally {
  await browser.close();
}
