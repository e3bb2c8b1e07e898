// Opens every page, shows it in every width and theme, and complains about whatever a page should
// not do.
// Argument: {origin, cookie, paths, playwright, chromium, pictures, set}, as JSON.
import { mkdirSync } from "node:fs";

const task = JSON.parse(process.argv[2]);
const { chromium } = await import(task.playwright);
const WIDTHS = [1440, 1024, 360];
const THEMES = ["light", "dark"];

const complaints = [];
let opened = 0;
const browser = await chromium.launch({
  executablePath: task.chromium,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
try {
  await lookAtAll();
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(complaint);
console.log(`${opened} pages, ${complaints.length} complaints`);
process.exit(complaints.length === 0 ? 0 : 1);

async function lookAtAll() {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  const [name, value] = task.cookie.split("=");
  const sameSite = "Strict";
  await context.addCookies([{ name, value, url: task.origin, httpOnly: true, sameSite }]);
  const page = await context.newPage();
  let place = "";
  const complain = (what) => complaints.push(`${place}: ${what}`);
  page.on("console", (message) => {
    const text = message.text();
    // the browser reports an answer that is an error, which some of these pages are meant to be
    const meant = text.includes("the server responded with a status of 4");
    if (["error", "warning"].includes(message.type()) && !meant) complain(`console: ${text}`);
  });
  page.on("pageerror", (error) => complain(`script: ${error.message}`));
  page.on("dialog", (dialog) => { complain("a dialog opened"); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith(task.origin + "/")) complain(`request to ${request.url()}`);
  });
  await page.exposeFunction("violated", (what) => complain(`content security policy: ${what}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      window.violated(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  for (const path of task.paths) {
    place = path;
    await page.setViewportSize({ width: WIDTHS[0], height: 900 });
    await page.goto(task.origin + path, { waitUntil: "load" });
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        place = `${path} ${width} ${colorScheme}`;
        await page.setViewportSize({ width, height: 900 });
        await examine(page, complain);
        await photograph(page, path, width, colorScheme);
        opened += 1;
      }
    }
  }
  await page.setViewportSize({ width: WIDTHS[0], height: 900 });
  if (task.set === "shop") await use(page, complain, (at) => { place = at; });
  await context.close();
}

// What must be true of every page.
async function examine(page, complain) {
  const seen = await page.evaluate(() => ({
    headings: document.querySelectorAll("h1").length,
    mains: document.querySelectorAll("main").length,
    title: document.title,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    unnamed: [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
      .filter((field) => field.labels.length === 0).length,
    bare: [...document.querySelectorAll("table")].filter((table) => !table.caption).length,
    chart: !document.getElementById("chart") || !!document.querySelector("#chart canvas"),
    nodes: document.querySelectorAll("*").length,
  }));
  if (seen.headings !== 1) complain(`${seen.headings} h1`);
  if (seen.mains !== 1) complain(`${seen.mains} main`);
  if (!seen.title.endsWith("Palisade")) complain(`title ${seen.title}`);
  if (seen.wide > 0) complain(`scrolls sideways by ${seen.wide} px`);
  if (seen.unnamed > 0) complain(`${seen.unnamed} fields without a label`);
  if (seen.bare > 0) complain(`${seen.bare} tables without a caption`);
  if (!seen.chart) complain("the chart was not drawn");
  if (seen.nodes > 5000) complain(`${seen.nodes} nodes`);
}

// What people do: keys, filter, theme, live numbers, a decision.
async function use(page, complain, at) {
  at("using the keys");
  await page.goto(task.origin + "/");
  await page.waitForSelector('#live[data-state="live"], #live[data-state="stale"]');
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await page.waitForURL("**/inventory");
  at("filtering");
  await page.keyboard.press("/");
  await page.keyboard.type("state:shadow internal");
  await page.waitForFunction(() => document.querySelectorAll("#list a.row").length === 1);
  if (!page.url().includes("q=state%3Ashadow")) complain(`the filter is not in ${page.url()}`);
  const focused = await page.evaluate(() => document.activeElement.id);
  if (focused !== "filter") complain(`filtering moved the focus to ${focused}`);
  at("opening");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/inventory\/[0-9a-f]{16}/);
  at("choosing a theme");
  await page.keyboard.press("t");
  const theme = await page.evaluate(() => document.documentElement.dataset.theme);
  if (theme !== "light") complain(`the theme after system is ${theme}`);
  await page.reload();
  const kept = await page.evaluate(() => document.documentElement.dataset.theme);
  if (kept !== "light") complain(`the theme was not kept: ${kept}`);
  at("asking for help");
  await page.keyboard.press("?");
  if (!(await page.locator("#keys").isVisible())) complain("no help");
  await page.keyboard.press("Escape");
  at("deciding");
  await page.goto(task.origin + "/findings");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/findings\/[0-9a-f]{16}/);
  await page.selectOption("#status", "in_progress");
  await page.fill("#reason", "asking its owner");
  await page.click("text=Set status");
  await page.waitForSelector("text=In progress by operator");
  await page.selectOption("#status", "new");
  await page.fill("#reason", "as it was");
  await page.click("text=Set status");
  await page.waitForSelector("text=New by operator");
}

async function photograph(page, path, width, theme) {
  if (!task.pictures) return;
  mkdirSync(task.pictures, { recursive: true });
  const name = path.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "overview";
  const file = `${task.pictures}/${task.set}-${name}-${width}-${theme}.png`;
  // a chart is drawn anew when its width or the theme changes
  const twice = (done) => requestAnimationFrame(() => requestAnimationFrame(done));
  await page.evaluate(`new Promise(${twice})`);
  await page.screenshot({ path: file, fullPage: true, timeout: 120_000 });
}
