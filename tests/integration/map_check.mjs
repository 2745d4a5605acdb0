// Opens pages, makes their map live as a visitor would, and prints what the pages then show.
// Arguments: JSON list of visits, path of Chromium, folder for pictures. Run where puppeteer-core and axe-core are.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(`${process.cwd()}/`);
const puppeteer = (await import(require.resolve("puppeteer-core"))).default;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [visits, chromium, folder] = process.argv.slice(2);
const flags = ["--no-sandbox", "--disable-gpu", "--disable-3d-apis", "--disable-background-networking"];
const browser = await puppeteer.launch({ executablePath: chromium, args: flags });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Colours of the ground at shares of its width and height, from all its canvases laid over each other. */
const colours = (page, places) =>
  page.$eval(".ground", (ground, wanted) => {
    const { width, height } = ground.getBoundingClientRect();
    const flat = Object.assign(document.createElement("canvas"), { width, height });
    const context = flat.getContext("2d", { willReadFrequently: true });
    for (const one of ground.querySelectorAll("canvas")) {
      context.globalAlpha = Number(one.parentElement.style.opacity || 1);
      context.drawImage(one, 0, 0, width, height);
    }
    return wanted.map(([x, y]) => [...context.getImageData(x * width, y * height, 1, 1).data]);
  }, places);

/** Whether a raster is shown whose value is not said yet. */
const expectsValue = (page) =>
  page.evaluate(() => {
    const chosen = document.querySelector('select[name="raster"]')?.value ?? "";
    return chosen !== "" && !document.querySelector(".readout").textContent.includes("–");
  });

async function point(page, [x, y]) {
  const box = await (await page.$(".ground")).boundingBox();
  await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
  await pause(150);
  for (let tries = 0; tries < 20 && (await expectsValue(page)); tries += 1) await pause(100);
  return page.$eval(".readout", (one) => one.textContent);
}

const ACTS = {
  press: async (page, key) => { await page.keyboard.press(key); await pause(600); },
  project: async (page, code) => { await page.select('select[name="projection"]', code); await pause(500); },
  choose: async (page, [name, value]) => { await page.select(`select[name="${name}"]`, value); await pause(800); },
  point,
  colours,
  click: async (page, selector) => { await page.focus(selector); await page.keyboard.press("Enter"); await pause(700); },
  hear: (page) => ACTS.heard(page, "–"),
  wait: async (page, selector) => { await page.waitForSelector(selector, { timeout: 20000 }); },
  text: (page, selector) => page.$eval(selector, (one) => one.textContent),
  texts: (page, selector) => page.$$eval(selector, (all) => all.map((one) => one.textContent)),
  html: (page, selector) => page.$eval(selector, (one) => one.innerHTML),
  value: (page, selector) => page.$eval(selector, (one) => one.value),
  address: (page) => page.url(),
  pause: async (page, ms) => { await pause(ms); },
  open: async (page, address) => {
    await page.goto(address, { waitUntil: "networkidle0" });
    await page.waitForSelector('[data-state="live"]', { timeout: 20000 });
    await pause(500);
  },
  run: (page, code) => page.evaluate(code),
  /** How many objects of a kind are not let go. */
  alive: async (page, kind) => {
    const prototype = await page.evaluateHandle((name) => window[name].prototype, kind);
    const all = await page.queryObjects(prototype);
    const count = await all.evaluate((list) => list.length);
    await Promise.all([all.dispose(), prototype.dispose()]);
    return count;
  },
  focus: (page, selector) => page.focus(selector),
  heard: async (page, words) => {
    await page.waitForFunction((part) => document.querySelector(".said").textContent.includes(part), { timeout: 10000 }, words);
    return page.$eval(".said", (one) => one.textContent);
  },
  reload: async (page, ready) => {
    await page.reload({ waitUntil: "networkidle0" });
    await page.waitForSelector(ready, { timeout: 20000 });
    await pause(800);
  },
  go: async (page, selector) => {
    await Promise.all([page.waitForNavigation({ waitUntil: "networkidle0" }), page.click(selector)]);
    await pause(800);
  },
  fill: async (page, [selector, value]) => {
    await page.$eval(selector, (one) => (one.value = ""));
    await page.focus(selector);
    await page.keyboard.type(value);
  },
  aim: async (page, [x, y]) => {
    const box = await (await page.$(".ground")).boundingBox();
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
    await page.mouse.click(box.x + x * box.width, box.y + y * box.height);
    await pause(1500);
  },
  /** Drags from one place of the ground to another while Shift is held. */
  drag: async (page, [[x0, y0], [x1, y1]]) => {
    await page.$eval(".ground", (ground) => ground.scrollIntoView({ block: "center" }));
    const box = await (await page.$(".ground")).boundingBox();
    const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
    await page.keyboard.down("Shift");
    await page.mouse.move(...at(x0, y0));
    await page.mouse.down();
    await page.mouse.move(...at((x0 + x1) / 2, (y0 + y1) / 2));
    await page.mouse.move(...at(x1, y1));
    await page.mouse.up();
    await page.keyboard.up("Shift");
    await pause(600);
  },
  download: async (page, number) => {
    const link = (await page.$$("a[download]"))[number];
    const file = join(folder, await link.evaluate((one) => one.download));
    rmSync(file, { force: true });
    await link.evaluate((one) => one.click());
    for (let tries = 0; tries < 100 && !existsSync(file); tries += 1) await pause(50);
    return readFileSync(file, "utf8");
  },
  focused: (page) => page.evaluate(() => document.activeElement.className || document.activeElement.name),
  scheme: async (page, value) => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
    await pause(500);
  },
  axe: async (page) => {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run());
    return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120))}`);
  },
  ground: async (page) => (await page.$(".ground")).screenshot({ encoding: "base64" }),
  idle: async (page) => { await page.waitForNetworkIdle({ idleTime: 600, timeout: 20000 }); },
  wide: (page) => page.evaluate(() => document.documentElement.scrollWidth),
  picture: async (page, name) => { await page.screenshot({ path: join(folder, `${name}.png`) }); },
  whole: async (page, name) => { await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true }); },
};

const MAP = '[data-app="map"] > [data-start]';

async function visit({ url, width = 1200, scheme = "light", calm = false, ready = '[data-app="map"][data-state="live"] canvas', until = "networkidle0", acts }) {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.setViewport({ width, height: 1000 });
  const features = [{ name: "prefers-color-scheme", value: scheme }];
  if (calm) features.push({ name: "prefers-reduced-motion", value: "reduce" });
  await page.emulateMediaFeatures(features);
  const [problems, asked] = [[], []];
  let bytes = 0;
  page.on("pageerror", (trouble) => problems.push(String(trouble)));
  page.on("console", (said) => ["error", "warning"].includes(said.type()) && problems.push(said.text()));
  page.on("request", (request) => asked.push(request.url()));
  const client = await page.createCDPSession();
  await client.send("Network.enable");
  await client.send("Page.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  client.on("Network.loadingFinished", (done) => (bytes += done.encodedDataLength));
  await page.goto(url, { waitUntil: until });
  const before = { requests: asked.length, bytes };
  if (await page.$(MAP)) {
    await page.focus(MAP);
    await page.keyboard.press("Enter");
  }
  await page.waitForSelector(ready, { timeout: 20000 });
  await pause(800);
  const found = [];
  for (const [act, argument] of acts) found.push((await ACTS[act](page, argument)) ?? null);
  await page.browserContext().close();
  return { problems, asked, before, bytes, found };
}

try {
  const all = [];
  for (const one of JSON.parse(visits)) all.push(await visit(one));
  console.log(JSON.stringify(all));
} finally {
  await browser.close();
}
