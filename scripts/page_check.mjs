// Shows a page of the report in Chromium and takes pictures: node scripts/page_check.mjs PAGE PICTURES TOOLS
// TOOLS is a folder with node_modules. Prints each problem, and fails if there is one.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [page, pictures, tools] = process.argv.slice(2);
const require = createRequire(`${tools}/`);
const { chromium } = require("playwright-core");
const url = pathToFileURL(page).href;
const problems = [];

const views = [
  { name: "light", width: 1180, colorScheme: "light" },
  { name: "dark", width: 1180, colorScheme: "dark" },
  { name: "phone", width: 375, colorScheme: "light" },
  { name: "phone-dark", width: 375, colorScheme: "dark" },
];

async function show(browser, { name, width, colorScheme }) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, deviceScaleFactor: 2 });
  const tab = await context.newPage();
  tab.on("request", (request) => request.url() !== url && problems.push(`${name}: the page loads ${request.url()}`));
  tab.on("console", (message) => problems.push(`${name}: the browser says: ${message.text()}`));
  await tab.goto(url);
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) problems.push(`${name}: the page is ${wide} pixels wide in a window of ${width}`);
  await tab.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  await tab.locator("details").evaluateAll((all) => all.slice(0, 2).forEach((details) => (details.open = true)));
  await tab.screenshot({ path: `${pictures}/${name}-open.png`, fullPage: true });
  await context.close();
}

// axe is a script, so this tab ignores the policy of the page that forbids scripts.
async function checkAccess(browser, colorScheme) {
  const context = await browser.newContext({ colorScheme, bypassCSP: true });
  const tab = await context.newPage();
  await tab.goto(url);
  await tab.addScriptTag({ path: require.resolve("axe-core/axe.min.js") });
  await tab.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
  const { violations } = await tab.evaluate(() => globalThis.axe.run());
  for (const { id, help, nodes } of violations) {
    problems.push(`axe, ${colorScheme}: ${id}: ${help}: ${nodes.length} times, first at ${nodes[0].html.slice(0, 200)}`);
  }
  await context.close();
}

async function print(browser) {
  const tab = await browser.newPage();
  await tab.goto(url);
  await tab.pdf({ path: `${pictures}/print.pdf`, format: "A4", margin: { top: "2cm", bottom: "2cm", left: "2cm", right: "2cm" } });
  execFileSync("pdftoppm", ["-r", "60", "-l", "3", "-png", `${pictures}/print.pdf`, `${pictures}/print`]);
}

function checkHtml() {
  const { HtmlValidate, FileSystemConfigLoader, formatterFactory } = require("html-validate");
  const loader = new FileSystemConfigLoader({
    extends: ["html-validate:recommended", "html-validate:a11y"],
    // The page is generated: long lines and trailing spaces are no fault.
    rules: { "long-title": "off", "no-trailing-whitespace": "off", "no-inline-style": "off" },
  });
  const report = new HtmlValidate(loader).validateFileSync(page);
  if (!report.valid) problems.push(formatterFactory("text")(report.results));
  try {
    execFileSync("java", ["-jar", require.resolve("vnu-jar/build/dist/vnu.jar"), page], { stdio: "pipe" });
  } catch (error) {
    problems.push(`the Nu HTML checker: ${error.stderr ?? error}`);
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const view of views) await show(browser, view);
await checkAccess(browser, "light");
await checkAccess(browser, "dark");
await print(browser);
await browser.close();
checkHtml();
problems.forEach((problem) => console.error(problem));
process.exit(problems.length > 0 ? 1 : 0);
