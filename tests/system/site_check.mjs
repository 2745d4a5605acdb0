// Opens every page of a served website in headless Chromium and prints what is wrong with it as JSON.
// Arguments: base URL, JSON list of paths, path of Chromium, folder for pictures. Run where puppeteer-core and axe-core are.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(path.join(process.cwd(), "package.json"));
const puppeteer = require("puppeteer-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [base, list, chromium, pictures] = process.argv.slice(2);
const layouts = [["light", 1280], ["dark", 1280], ["light", 360]];
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const browser = await (puppeteer.default ?? puppeteer).launch({ executablePath: chromium, args: flags });
const problems = [];
const mostRequests = {};
const fonts = {};

/** Names of the fonts that the letters of a page are really drawn with. */
async function facesOf(page) {
  const client = await page.createCDPSession();
  for (const domain of ["DOM", "CSS"]) await client.send(`${domain}.enable`);
  const { root } = await client.send("DOM.getDocument", { depth: -1 });
  const { nodeIds } = await client.send("DOM.querySelectorAll", { nodeId: root.nodeId, selector: "body *" });
  const found = new Set();
  for (const nodeId of nodeIds) {
    const used = await client.send("CSS.getPlatformFontsForNode", { nodeId });
    used.fonts.forEach((one) => found.add(one.familyName));
  }
  return [...found].sort();
}

async function visit(file, scheme, width, { check }) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const where = `${file} ${scheme} ${width}`;
  const say = (what) => problems.push(`${where}: ${what}`);
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  if (check) await page.setBypassCSP(true); // axe is a script; the policy is tested in the other visit
  const requests = new Set();
  page.on("request", (request) => {
    if (request.url().startsWith("data:")) return;
    requests.add(request.url());
    if (!request.url().startsWith(base)) say(`asks ${request.url()}`);
  });
  page.on("response", (response) => response.status() >= 400 && say(`${response.status()} ${response.url()}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && say(message.text()));
  page.on("pageerror", (error) => say(String(error)));
  page.on("dialog", async (dialog) => { say(`dialog ${dialog.message()}`); await dialog.dismiss(); });
  await page.goto(base + file, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready.then(() => new Promise((done) => setTimeout(done, 50))));
  const found = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    handlers: [...document.querySelectorAll("*")].some((e) => [...e.attributes].some((a) => /^on/i.test(a.name))),
    active: [...document.querySelectorAll("[href],[src]")].some((e) =>
      /^\s*(javascript|vbscript|data:text\/html)/i.test(e.getAttribute("href") ?? e.getAttribute("src"))),
    fonts: [...document.fonts].filter((f) => f.status === "loaded").map((f) => f.family.replaceAll('"', "")),
    land: [...document.querySelectorAll("image")].length,
  }));
  if (found.wide > width) say(`scrolls sideways, ${found.wide} px`);
  if (found.handlers || found.active) say("carries active content");
  if (!found.fonts.includes("iAOS Sans")) say("shows no text in its own face");
  if (check) {
    await page.evaluate(axe);
    const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    result.violations.forEach((v) => say(`axe ${v.id}: ${v.nodes[0].html.slice(0, 160)}`));
    const name = `${file.replaceAll("/", "_")}-${scheme}-${width}.png`;
    await page.screenshot({ path: path.join(pictures, name), fullPage: true });
  }
  if (file.includes("letters")) fonts[file] = await facesOf(page);
  mostRequests[file] = Math.max(mostRequests[file] ?? 0, requests.size);
  await context.close();
}

for (const file of JSON.parse(list)) {
  const checks = file.includes("hostile") ? [] : layouts;
  const visits = checks.map(([scheme, width]) => visit(file, scheme, width, { check: true }));
  await Promise.all([visit(file, "light", 1280, { check: false }), ...visits]);
}
await browser.close();
console.log(JSON.stringify({ problems, requests: mostRequests, fonts }));
