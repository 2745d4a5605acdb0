// Opens pages over an emulated link of 600 ms and 1 Mbit/s, each without a cache, and prints what that took as JSON.
// Arguments: base URL, JSON list of paths, path of Chromium. Run in a folder with puppeteer-core.
import path from "node:path";
import { createRequire } from "node:module";

const puppeteer = createRequire(path.join(process.cwd(), "package.json"))("puppeteer-core");
const [base, list, chromium] = process.argv.slice(2);
const link = { offline: false, latency: 600, downloadThroughput: 125000, uploadThroughput: 125000 };
const browser = await (puppeteer.default ?? puppeteer).launch({ executablePath: chromium, args: ["--no-sandbox"] });
const found = [];
for (const file of JSON.parse(list)) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  const client = await page.createCDPSession();
  await client.send("Network.enable");
  await client.send("Network.emulateNetworkConditions", link);
  const asked = new Set();
  let bytes = 0;
  client.on("Network.requestWillBeSent", ({ request, requestId }) => request.url.startsWith("http") && asked.add(requestId));
  client.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (asked.has(requestId)) bytes += encodedDataLength;
  });
  await page.goto(base + file, { waitUntil: "networkidle0", timeout: 60000 });
  await page.evaluate(() => document.fonts.ready);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity);
  found.push({ path: file, requests: asked.size, bytes, paint });
  await context.close();
}
await browser.close();
console.log(JSON.stringify(found));
