// Opens documents in STAC Browser and prints as JSON what it shows of each. Run in a folder with puppeteer-core.
// Arguments: JSON list of addresses, path of Chromium, address of ours, file for a picture of the last one.
import path from "node:path";
import { createRequire } from "node:module";

const puppeteer = createRequire(path.join(process.cwd(), "package.json"))("puppeteer-core");
const [list, chromium, ours, picture] = process.argv.slice(2);
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const browser = await (puppeteer.default ?? puppeteer).launch({ executablePath: chromium, args: flags });
const page = await browser.newPage();
await page.setViewport({ width: 1280, height: 1400 });
let errors = [];
let foreign = new Set();
page.on("pageerror", (error) => errors.push(String(error)));
page.on("response", (response) => response.status() >= 400 && errors.push(`${response.status()} ${response.url()}`));
page.on("request", (request) => {
  const { protocol, host } = new URL(request.url());
  if (protocol.startsWith("http") && !request.url().startsWith(ours)) foreign.add(host);
});

const shown = {};
for (const address of JSON.parse(list)) {
  [errors, foreign] = [[], new Set()];
  await page.goto("about:blank");
  await page.goto(address, { waitUntil: "networkidle0", timeout: 60_000 });
  const seen = await page.evaluate(() => {
    const count = (section) => Number(document.querySelector(`${section} > header .badge`)?.textContent ?? 0);
    return {
      title: document.querySelector("h1")?.innerText,
      alerts: [...document.querySelectorAll(".alert")].map((one) => one.innerText),
      items: count(".items"),
      children: count(".catalogs"),
      shown: [...document.querySelectorAll(".asset .badge.shown")].map((one) => one.closest(".asset").innerText),
    };
  });
  shown[address] = { ...seen, errors, foreign: [...foreign] };
}
if (picture) await page.screenshot({ path: picture });
await browser.close();
console.log(JSON.stringify(shown));
