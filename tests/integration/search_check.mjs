// Asks the search page of a served catalogue in headless Chromium; prints for each address what it shows, as JSON.
// Arguments: base URL, JSON list of query strings, path of Chromium, folder for pictures.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(path.join(process.cwd(), "package.json"));
const puppeteer = require("puppeteer-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [base, list, chromium, pictures] = process.argv.slice(2);
const browser = await (puppeteer.default ?? puppeteer).launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
const problems = [];

async function open(address, { scheme = "light", width = 1280, check = false, script = true } = {}) {
  const page = await browser.newPage();
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  if (check) await page.setBypassCSP(true);
  await page.setJavaScriptEnabled(script);
  page.on("request", (request) => request.url().startsWith(base) || request.url().startsWith("data:") || problems.push(`asks ${request.url()}`));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(`${base}${address}`, { waitUntil: "load" });
  return page;
}
const done = (page) => page.waitForSelector("[data-hits][data-done]", { timeout: 20000 });
const shown = (page) => page.evaluate(() => ({
  say: document.querySelector("[data-say]").textContent,
  ids: [...document.querySelectorAll("[data-id]")].map((one) => one.dataset.id),
  facets: Object.fromEntries([...document.querySelectorAll("[data-facets] input")].map((one) => [`${one.name}:${one.value}`, one.closest("label").querySelector("small").textContent])),
  address: location.search,
}));

const answers = {};
for (const query of JSON.parse(list)) {
  const page = await open(`search/index.html?${query}`);
  await done(page);
  const first = await shown(page);
  while (await page.evaluate(() => [...document.querySelectorAll("[data-hits] a.button")].some((one) => one.textContent === "Next"))) {
    await page.evaluate(() => [...document.querySelectorAll("[data-hits] a.button")].find((one) => one.textContent === "Next").click());
    await done(page);
    first.ids.push(...(await shown(page)).ids);
  }
  answers[query] = first;
  await page.close();
}
for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 360]]) {
  const page = await open("search/index.html", { scheme, width, check: true });
  await page.waitForSelector("form:not([hidden])");
  if (await page.evaluate(() => performance.getEntriesByType("resource").some((one) => one.name.endsWith("index.json"))))
    problems.push("reads the index before anything is asked");
  await page.focus('[name="q"]');
  await done(page);
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  result.violations.forEach((one) => problems.push(`axe ${scheme} ${width} ${one.id}: ${one.nodes[0].html.slice(0, 160)}`));
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) problems.push(`scrolls sideways at ${width}`);
  await page.screenshot({ path: path.join(pictures, `search-${scheme}-${width}.png`) });
  await page.close();
}
const home = await open("index.html"); // keyboard only, from the field of the home page
for (let step = 0; step < 30 && !(await home.evaluate(() => document.activeElement.name === "q")); step += 1) await home.keyboard.press("Tab");
await home.keyboard.type("oden");
await Promise.all([home.waitForNavigation(), home.keyboard.press("Enter")]);
await home.waitForFunction(() => location.pathname.endsWith("/search/index.html") && location.search === "?q=oden");
await done(home);
const keyboard = await shown(home);
const bare = await open("search/index.html", { script: false });
const plain = await bare.evaluate(() => ({ links: document.querySelectorAll("main table a").length, form: getComputedStyle(document.querySelector("form")).display, words: document.querySelector("noscript").textContent }));
const described = await (async () => { // as a browser does that adds the search: home, description, template
  const page = await open("index.html");
  const template = await page.evaluate(async () => {
    const address = document.querySelector('link[rel="search"]').href;
    const xml = new DOMParser().parseFromString(await (await fetch(address)).text(), "application/xml");
    return [...xml.querySelectorAll("Url")].find((one) => one.getAttribute("type") === "text/html").getAttribute("template");
  });
  await page.goto(template.replace("{searchTerms}", encodeURIComponent("Oden")), { waitUntil: "load" });
  await done(page);
  return shown(page);
})();
await browser.close();
console.log(JSON.stringify({ answers, keyboard, plain, described, problems }));
