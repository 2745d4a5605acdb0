// Opens search pages in headless Chromium, each with an empty cache; prints what each shows and has read, as JSON.
// Arguments: JSON list of addresses, path of Chromium.
import path from "node:path";
import { createRequire } from "node:module";

const puppeteer = createRequire(path.join(process.cwd(), "package.json"))("puppeteer-core");
const [addresses, chromium] = process.argv.slice(2);
const browser = await (puppeteer.default ?? puppeteer).launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
const shown = (page) => page.evaluate(() => ({
  say: document.querySelector("[data-say]").textContent,
  busy: document.querySelector("[data-say]").getAttribute("aria-busy"),
  first: document.querySelector("[data-hits]").dataset.first,
  done: document.querySelector("[data-hits]").dataset.done,
  ids: [...document.querySelectorAll("[data-id]")].map((one) => one.dataset.id),
  offers: [...document.querySelectorAll("[data-more] button")].map((one) => one.textContent),
  years: [...document.querySelectorAll("[data-facets] input[name=year]")].map((one) => one.value),
}));

const found = [];
for (const address of JSON.parse(addresses)) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.goto(address, { waitUntil: "load" });
  await page.waitForSelector("form:not([hidden])");
  if (!new URL(address).search) await page.focus('[name="q"]');
  await page.waitForSelector("[data-hits][data-done]", { timeout: 60000 });
  const one = await shown(page);
  for (const key of ["count", "values"]) {
    if (!(await page.$(`[data-more=${key}]`))) continue;
    await page.click(`[data-more=${key}]`);
    await page.waitForFunction((name) => !document.querySelector(`[data-more=${name}]`), { timeout: 60000 }, key);
  }
  found.push({ ...one, last: await shown(page) });
  await context.close();
}
await browser.close();
console.log(JSON.stringify(found));
