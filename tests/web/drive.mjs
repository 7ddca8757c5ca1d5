// SPDX-License-Identifier: MIT
// The flows of the browser application in Chromium, against a real server. Prints
// "N passed, N failed".
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { makePictures, makeSounds, makeViews, png } from "./media.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const project = resolve(here, "../..");
const require = createRequire(join(project, "web/package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const given = {};
const wanted = [];
for (let i = 2; i < process.argv.length; i++)
  if (process.argv[i].startsWith("--")) given[process.argv[i].slice(2)] = process.argv[++i];
  else wanted.push(process.argv[i]);
const LIMIT_S = Number(process.env.LIMIT_S ?? 300);
mkdirSync(given.shots, { recursive: true });

// ---- a server over an empty library

const folder = mkdtempSync(join(tmpdir(), "akin-web-"));
const shared = process.env.AKIN_TEST_DATA ?? resolve(project, "../shared/data");
const nPictures = makePictures(join(folder, "media/pictures"), shared);
makeViews(join(folder, "media/views"));
makeSounds(join(folder, "media/sounds"));
mkdirSync(join(folder, "library"));

function serve(port = 0) {
  const server = spawn(
    given.akin,
    ["serve", join(folder, "library"), "--media", join(folder, "media"), "--port", String(port), "--json"],
    { env: { ...process.env, AKIN_MODELS: join(project, "models") }, stdio: ["ignore", "pipe", "inherit"] },
  );
  return new Promise((done, fail) => {
    server.once("exit", (code) => fail(new Error(`akin serve ended with ${code}`)));
    server.stdout.once("data", (text) => done({ server, port: JSON.parse(String(text)).port }));
  });
}

let { server, port } = await serve();
const site = `http://127.0.0.1:${port}`;
const api = async (path) => (await fetch(site + path)).json();

const browser = await chromium.launch({ executablePath: given.chromium, args: ["--no-sandbox", "--enable-unsafe-swiftshader"] });
const context = await browser.newContext({
  viewport: { width: 1280, height: 800 },
  colorScheme: "light",
  reducedMotion: "reduce",
  acceptDownloads: true,
});
const page = await context.newPage();
page.setDefaultTimeout(15_000);
let complaints = [];
let expected = false; // a test in which requests fail
page.on("console", (m) => m.type() === "error" && !expected && complaints.push(m.text()));
page.on("pageerror", (e) => complaints.push(String(e)));
page.on("request", (r) => {
  const url = new URL(r.url());
  if (url.protocol.startsWith("http") && url.origin !== site) complaints.push(`asks ${url.origin}`);
});

// ---- help

const tile = (i) => page.locator(`.tile-picture[data-i="${i}"]`);
const tiles = () => page.locator(".tile-picture");
const value = (name) => new URL(page.url()).searchParams.get(name);
const idOf = async (name) => (await api("/api/datasets")).datasets.find((d) => d.name === name).id;
const shown = () => page.locator(".tile-picture").evaluateAll((all) => all.map((e) => e.getAttribute("aria-label")));
const open = async (path) => {
  await page.goto(site + path);
  await page.locator("main > *").first().waitFor();
};
const loaded = () =>
  page.waitForFunction(() => [...document.images].every((i) => i.complete && (i.naturalWidth > 0 || !i.src)));
const results = async () => {
  await tile(0).waitFor();
  await loaded();
};
/** Waits until it holds: what a key does is drawn a moment later. */
async function until(holds) {
  for (let i = 0; i < 100 && !(await holds()); i++) await page.waitForTimeout(50);
  assert.ok(await holds(), String(holds));
}
const numbers = () => page.locator(".pager .numbers").textContent();
const marked = () =>
  page.evaluate(() => (JSON.parse(localStorage["akin.marks"] ?? "{}")["shots.db"] ?? []).length);
const settled = (check) => page.waitForFunction(check);
const changes = async (act) => {
  const before = JSON.stringify(await shown());
  await act();
  await page.waitForFunction(
    (b) => JSON.stringify([...document.querySelectorAll(".tile-picture")].map((e) => e.getAttribute("aria-label"))) !== b,
    before,
  );
};

async function check(name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(
    serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`),
    [],
    name,
  );
}

/** The page in light and dark, wide and narrow: looked at by axe, and kept. */
async function look(name) {
  for (const [width, height] of [[1280, 800], [390, 844]])
    for (const scheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      await loaded();
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${name} is ${over} px too wide at ${width}`);
      await check(`${name} ${width} ${scheme}`);
      await page.screenshot({ path: join(given.shots, `${name}-${width}-${scheme}.png`) });
    }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light" });
}

// ---- the flows, in the order in which one meets them

const tests = {
  async "home is empty, and says what to do"() {
    await open("/");
    await page.getByText("Nothing here yet").waitFor();
    const paint = await page.evaluate(() => performance.getEntriesByType("paint").map((p) => Math.round(p.startTime)));
    console.log(`     first paint after ${Math.min(...paint)} ms`);
    assert.ok(Math.min(...paint) < 1000);
    await look("home-empty");
  },

  async "a dataset is made of a folder, as a job"() {
    await page.getByRole("button", { name: "New dataset" }).click();
    await page.getByLabel("Folder of pictures").fill(join(folder, "media/nope"));
    await page.getByLabel("Name").fill("pictures");
    expected = true;
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("alert").getByText("nope").first().waitFor();
    expected = false;
    await page.getByLabel("Folder of pictures").fill(join(folder, "media/pictures"));
    await check("new dataset");
    await page.screenshot({ path: join(given.shots, "new-dataset.png") });
    await page.getByRole("button", { name: "Make it" }).click();
    await page.waitForURL(/\/jobs/);
    await page.locator(".job.done", { hasText: "Import" }).waitFor();
    await page.locator(".job.done", { hasText: "Embeddings" }).waitFor({ timeout: 60_000 });
    await look("jobs");
  },

  async "home shows it"() {
    await page.getByRole("link", { name: "Home" }).click();
    await page.locator(".card").getByText(`${nPictures} items`).waitFor();
    await page.locator(".preview img").nth(4).waitFor();
    await look("home");
    await page.locator(".card").first().click();
    await page.waitForURL(/\/search\?in=/);
    await results();
    await look("browse");
  },

  async "words find pictures"() {
    const { tables } = await api(`/api/datasets/${await idOf("pictures")}/tables`);
    if (!tables.some((t) => t.text)) return "no model here takes words";
    await page.keyboard.press("/");
    await page.keyboard.type("a red car");
    await changes(() => page.keyboard.press("Enter"));
    assert.equal(value("q"), "a red car");
    await results();
    assert.equal(await tiles().count(), 20);
    const scores = (await page.locator(".similarity").allTextContents()).map((t) => Number(t.replace("\u2212", "-")));
    assert.deepEqual(scores, scores.toSorted((a, b) => b - a));
    assert.equal(await page.locator(".query-object q").textContent(), "a red car");
    await look("search");
    await page.reload();
    await results();
    assert.equal(await page.getByRole("searchbox").inputValue(), "a red car");
  },

  async "details are beside the results"() {
    await tile(1).click();
    const panel = page.getByRole("complementary", { name: "Details" });
    await panel.waitFor();
    const [grid, aside] = [await page.locator(".grid").boundingBox(), await panel.boundingBox()];
    assert.ok(grid.x + grid.width <= aside.x);
    assert.ok(await panel.getByRole("row", { name: /^number/ }).count());
    await look("detail");
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });
    await tile(0).waitFor();
  },

  async "the keyboard does it all"() {
    await tile(0).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("x");
    const marked = async () => /, marked$/.test(await tile(1).getAttribute("aria-label"));
    await until(marked);
    await page.keyboard.press("z");
    await until(async () => !(await marked()));
    const place = () => page.evaluate(() => Number(document.activeElement.dataset.i));
    await page.keyboard.press("ArrowDown");
    await until(async () => (await place()) > 1);
    const at = await place();
    await page.keyboard.press("ArrowUp");
    await until(async () => (await place()) < at);
    await page.keyboard.press("Enter");
    await page.locator(".detail").waitFor();
    const before = await page.locator(".detail h2").textContent();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction((b) => document.querySelector(".detail h2").textContent !== b, before);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await check("keys");
    await page.screenshot({ path: join(given.shots, "keys.png") });
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.locator(".detail").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".detail").waitFor({ state: "detached" });
    await changes(() => page.keyboard.press("f"));
    assert.ok(value("like"));
    await page.locator(".query-object img").waitFor();
    await look("similar");
    await page.goBack();
    await page.waitForFunction(() => !location.search.includes("like="));
  },

  async "pages of twenty, and marks across them"() {
    await open(`/search?in=${await idOf("pictures")}`);
    await results();
    assert.equal(await numbers(), `1 \u2013 20 of ${nPictures}`);
    await tile(0).focus();
    await page.keyboard.press("x");
    await changes(() => page.getByRole("button", { name: "Next page" }).click());
    assert.equal(value("page"), "2");
    assert.equal(await numbers(), `21 \u2013 40 of ${nPictures}`);
    await page.locator(".tile").nth(2).hover();
    await page.locator(".tile-mark").nth(2).click();
    await page.getByText("2 marked").waitFor();
    await changes(() => page.getByRole("button", { name: "Last page" }).click());
    assert.match(await numbers(), new RegExp(`of ${nPictures}$`));
    await page.reload();
    await results();
    const waits = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export CSV" }).click();
    const rows = readFileSync(await (await waits).path(), "utf8").trim().split("\r\n");
    assert.equal(rows[0], "dataset,item,view,url,similarity");
    assert.equal(rows.length, 3);
    await page.getByRole("button", { name: "Show" }).click();
    await settled(() => document.querySelectorAll(".tile").length === 2);
    await page.keyboard.press("x");
    await page.getByText("1 marked").first().waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByRole("button", { name: "Back to the results" }).first().click();
    await page.locator(".marked-bar").waitFor({ state: "detached" });
  },

  async "filters, by field and as text"() {
    await open(`/search?in=${await idOf("pictures")}`);
    await results();
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByLabel("Field").selectOption("kind");
    const first = page.getByLabel("Value").locator("option").nth(1);
    const kind = await first.textContent();
    await page.getByLabel("Value").selectOption(kind);
    await check("filter");
    await page.screenshot({ path: join(given.shots, "filter.png") });
    await changes(() => page.getByRole("button", { name: "Add" }).click());
    assert.equal(value("where"), `kind = '${kind}'`);
    const all = await api(`/api/datasets/${await idOf("pictures")}/tables/item/rows?where=${encodeURIComponent(value("where"))}`);
    await page.getByRole("status").getByText(`${all.total} item`).waitFor();
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByRole("button", { name: "As text" }).click();
    await page.getByLabel("where").fill("number in (1, 2) or number = 3");
    await changes(() => page.getByRole("button", { name: "Apply" }).click());
    await settled(() => document.querySelectorAll(".tile").length === 3);
    await page.goBack();
    await page.locator(".chip", { hasText: kind }).waitFor();
    expected = true;
    await open(`/search?in=${await idOf("pictures")}&where=nofield+%3D+1`);
    await page.getByRole("alert").getByText("nofield").first().waitFor();
    await page.getByText("Details", { exact: true }).click();
    await check("a failure");
    await page.screenshot({ path: join(given.shots, "failure.png") });
    expected = false;
    await open(`/search?in=${await idOf("pictures")}&where=number+%3E+100000`);
    await page.getByText("Nothing passes the filter").waitFor();
    await changes(() => page.getByRole("button", { name: "Take the filter away" }).last().click());
  },

  async "pictures find pictures: picked, dropped, pasted"() {
    await open(`/search?in=${await idOf("pictures")}`);
    await results();
    const buffer = png(160, 120, [200, 30, 30]);
    await changes(() => page.locator("input[type=file]").setInputFiles({ name: "red.png", mimeType: "image/png", buffer }));
    await page.locator(".query-object img").waitFor();
    const picture = value("picture");
    assert.ok(picture);
    await page.reload();
    await results();
    await page.locator(".query-object img").waitFor();
    for (const kind of ["drop", "paste"]) {
      await page.evaluate(
        ([base64, kind]) => {
          const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], "x.png", { type: "image/png" }));
          const event =
            kind === "drop"
              ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
              : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
        },
        [png(160, 120, kind === "drop" ? [20, 40, 200] : [20, 180, 40]).toString("base64"), kind],
      );
      await page.waitForFunction((p) => !location.search.includes(p), picture);
      await results();
    }
    await look("by-picture");
  },

  async "views, embeddings that are missing, files that cannot be read"() {
    await open("/");
    await page.getByRole("button", { name: "New dataset" }).click();
    await page.getByLabel("Folder of pictures").fill(join(folder, "media/views"));
    await page.getByLabel("Model", { exact: true }).selectOption("");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.locator(".job", { hasText: "Import · views" }).and(page.locator(".done, .failed")).waitFor();
    await until(async () => (await api("/api/datasets")).datasets.some((d) => d.name === "views" && d.num_views > 0));
    await open(`/search?in=${await idOf("views")}`);
    await page.getByText("no embeddings yet").waitFor({ timeout: 30_000 });
    await page.getByRole("button", { name: "Choose a model" }).click();
    await page.getByLabel("Model", { exact: true }).selectOption("tint");
    await check("another model");
    await page.getByRole("button", { name: "Compute" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: /by tint/ }).waitFor();
    await tile(0).click();
    await page.getByRole("list", { name: "Views" }).getByRole("button").nth(1).click();
    await page.screenshot({ path: join(given.shots, "views.png") });
    await page.getByRole("link", { name: "Jobs" }).click();
    const log = page.locator("details.log").first();
    await log.waitFor();
    await log.locator("summary").click();
    await log.getByText("broken.png").waitFor();
    await look("jobs-log");
  },

  async "labels by words"() {
    const id = await idOf("pictures");
    await open(`/labels?in=${id}`);
    const { tables } = await api(`/api/datasets/${id}/tables`);
    if (!tables.some((t) => t.text)) {
      await page.getByText("Labels need a model that takes words").waitFor();
      return "no model here takes words";
    }
    await page.getByLabel("Words to choose from").fill("a bird, a car, a fish");
    await page.getByRole("button", { name: "Label all items" }).click();
    await page.getByRole("region", { name: "Labels that items have" }).waitFor();
    await look("labels");
    await page.locator(".label-list .button").first().click();
    await results();
    assert.match(value("where"), /^tag = /);
    return undefined;
  },

  async "sounds are seen, heard, found, marked and labelled"() {
    await open("/extract");
    await page.getByRole("button", { name: "media", exact: true }).click();
    await page.getByRole("button", { name: "sounds", exact: true }).click();
    await page.getByText("5 sounds in and below it").waitFor();
    await look("extract");
    await page.getByRole("button", { name: "Start" }).click();
    await page.locator(".job.done", { hasText: "Extract · sounds.db" }).waitFor();
    await open("/extract?in=sounds.db");
    await page.getByText("vectors of two models never meet").waitFor();
    assert.ok(await page.getByLabel("Overlap in s").isDisabled());
    await open("/");
    await page.locator(".card", { hasText: "sounds.db" }).click();
    await page.locator(".hear").nth(9).waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll(".levels canvas")].every((c) => c.width === 320));
    await page.locator(".hear").first().focus();
    await page.keyboard.press("f");
    await page.locator(".query-sound canvas").waitFor();
    assert.ok(value("like"));
    await page.locator(".sound-card strong").first().waitFor();
    await page.getByText("10 windows searched").waitFor();
    await page.locator(".hear").first().focus();
    await page.keyboard.press("Space");
    await page.locator(".hear[aria-pressed=true] .cursor").waitFor();
    await page.keyboard.press("Space");
    await page.locator(".cursor").waitFor({ state: "detached" });
    await page.keyboard.press("x");
    await page.getByText("1 marked").waitFor();
    await page.getByLabel("label", { exact: true }).fill("warble");
    await page.locator(".hear").first().focus();
    await page.keyboard.press("1");
    await page.locator(".sound-card").first().locator(".label.positive", { hasText: "warble" }).waitFor();
    await page.locator(".hear[data-i='1'][aria-pressed=true]").waitFor();
    await page.keyboard.press("Space");
    await look("sounds");
    const waits = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export sounds" }).click();
    assert.equal(readFileSync(await (await waits).path()).toString("latin1", 0, 2), "PK");
    await page.getByRole("link", { name: "Labels" }).click();
    await page.getByRole("row", { name: "warble 1 0 0" }).waitFor();
    await look("sound-labels");
    await page.getByRole("link", { name: "warble" }).click();
    await page.getByRole("status").getByText("1 window").waitFor();
    await page.goBack();
    await page.goBack();
    await page.locator(".query-sound canvas").waitFor();
    await page.locator(".label.positive").first().waitFor();
    await page.locator(".hear").first().focus();
    await page.keyboard.press("2");
    await page.locator(".label.negative").first().waitFor();
    await page.keyboard.press("z");
    await page.locator(".label.negative").waitFor({ state: "detached" });
    await page.locator("input[type=file]").setInputFiles(join(folder, "media/sounds/beeps.wav"));
    await page.waitForFunction(() => location.search.includes("upload="));
    await page.locator(".query-sound .span").first().waitFor();
    assert.match(await page.locator(".sound-card .name").first().textContent(), /beeps/);
    const box = await page.locator(".query-sound .levels").boundingBox();
    await page.mouse.move(box.x + box.width * 0.1, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 40);
    await page.mouse.up();
    await page.waitForFunction(() => location.search.includes("start="));
    await page.getByRole("button", { name: "Whole" }).waitFor();
    await look("sounds-by-file");
  },

  async "databases of pictures show pictures"() {
    execFileSync(given.akin, ["extract", "-q", join(folder, "media/pictures"), join(folder, "library/shots.db")]);
    await open("/");
    await page.locator(".card", { hasText: "shots.db" }).click();
    await page.locator("img.levels").first().waitFor();
    await loaded();
    assert.equal(await page.locator(".spectrogram").count(), 0);
    await page.locator(".hear").nth(1).focus();
    await page.keyboard.press("f");
    await page.locator(".query-picture").waitFor();
    await page.locator(".sound-card strong").first().waitFor();
    await loaded();
    await look("database-pictures");
    const file = await page.locator(".sound-card .name").first().textContent();
    await page.locator("input[type=file]").setInputFiles(join(folder, "media/pictures", file.replace(/^pictures\//, "")));
    await page.waitForFunction(() => location.search.includes("upload="));
    await page.getByText("1.000").first().waitFor();
    await loaded();
    await page.keyboard.press("x");
  },

  async "the map of a database is made, moved over, heard and marked"() {
    await open("/map");
    await page.locator(".empty .button").waitFor();
    await look("map-none");
    expected = true; // there is no map yet
    await open("/map?in=shots.db");
    await page.getByRole("heading", { name: "No map yet" }).waitFor();
    await look("map-empty");
    await page.getByRole("button", { name: "Make the map" }).click();
    const chart = page.getByRole("application", { name: /^Map of/ });
    await chart.waitFor();
    expected = false;
    await page.getByLabel("colour by").selectOption("recording");
    await page.getByRole("list", { name: "Legend" }).waitFor();
    // By the keyboard: to a point, on, and to those that are like it.
    await chart.focus();
    await page.keyboard.press("ArrowRight");
    const card = page.getByRole("complementary", { name: "Point" });
    await card.waitFor();
    const name = await card.locator(".name").textContent();
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction((n) => document.querySelector(".map-card .name")?.textContent !== n, name);
    await loaded();
    await page.keyboard.press("+");
    await page.keyboard.press("0");
    await look("map");
    const before = await marked();
    await page.keyboard.press("x");
    await page.waitForFunction((b) => (JSON.parse(localStorage["akin.marks"])["shots.db"] ?? []).length === b + 1, before);
    await page.keyboard.press("z");
    await page.waitForFunction((b) => JSON.parse(localStorage["akin.marks"])["shots.db"].length === b, before);
    await page.keyboard.press("Escape");
    await card.waitFor({ state: "detached" });
    // By the pointer: a lasso around all, a drag, the wheel.
    const box = await chart.boundingBox();
    const corner = (x, y) => [box.x + 2 + x * (box.width - 4), box.y + 2 + y * (box.height - 4)];
    await page.keyboard.down("Shift");
    await page.mouse.move(...corner(0, 0));
    await page.mouse.down();
    for (const at of [[1, 0], [1, 1], [0, 1]]) await page.mouse.move(...corner(...at), { steps: 4 });
    await page.mouse.up();
    await page.keyboard.up("Shift");
    await page.getByRole("status").getByText(`${nPictures} windows marked`).waitFor();
    await page.getByRole("region", { name: "Marked" }).getByText(`${nPictures} marked`).waitFor();
    await look("map-marked");
    await page.keyboard.press("z");
    const shot = async () => (await chart.screenshot()).toString("base64");
    await page.mouse.move(...corner(0.5, 0.5));
    const still = await shot();
    await page.mouse.wheel(0, -240);
    await page.waitForTimeout(100);
    const near = await shot();
    assert.notEqual(near, still);
    await page.mouse.down();
    await page.mouse.move(...corner(0.6, 0.6), { steps: 4 });
    await page.mouse.up();
    await page.waitForTimeout(100);
    assert.notEqual(await shot(), near);
    await page.keyboard.press("0");
    await chart.focus();
    await page.keyboard.press("ArrowRight");
    await card.getByRole("link", { name: "Find similar" }).click();
    await page.locator(".query-picture").waitFor();
    // Of sounds: a point is heard.
    expected = true;
    await open("/map?in=sounds.db");
    await page.getByRole("button", { name: "Make the map" }).click();
    await chart.waitFor();
    expected = false;
    await page.getByLabel("colour by").selectOption("label");
    await page.getByText("warble").waitFor();
    await chart.focus();
    await page.keyboard.press("ArrowRight");
    await card.waitFor();
    await page.keyboard.press("Enter");
    await card.getByRole("button", { name: "Stop" }).waitFor();
    await page.keyboard.press("Space");
    await card.getByRole("button", { name: "Play" }).waitFor();
    await look("map-sounds");
    // Windows come: the map says that it is old, and is made anew.
    mkdirSync(join(folder, "media/more"));
    writeFileSync(join(folder, "media/more/one.png"), png(160, 120, [20, 180, 40]));
    execFileSync(given.akin, ["extract", "-q", join(folder, "media/more"), join(folder, "library/shots.db")]);
    await open("/map?in=shots.db");
    await page.getByText("Windows came or went").waitFor();
    await look("map-stale");
    await page.getByRole("button", { name: "Make it anew" }).click();
    await page.getByText("Windows came or went").waitFor({ state: "detached" });
    await chart.waitFor();
  },

  async "colours as one likes"() {
    await open("/");
    await page.getByRole("button", { name: /^Colours/ }).click();
    await page.getByRole("button", { name: /^Colours/ }).click();
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await ground(), "rgb(18, 20, 21)");
    await page.reload();
    assert.equal(await ground(), "rgb(18, 20, 21)");
    await page.getByRole("button", { name: /^Colours/ }).click();
    assert.equal(await ground(), "rgb(255, 255, 255)");
  },

  async "a server that is gone, and is back"() {
    await open(`/search?in=${await idOf("pictures")}`);
    await results();
    expected = true;
    const over = new Promise((done) => server.removeAllListeners("exit").once("exit", done));
    server.kill("SIGTERM");
    await over;
    await page.getByRole("button", { name: "Next page" }).click();
    await page.getByText("The server does not answer.").waitFor();
    ({ server } = await serve(port));
    await page.getByRole("button", { name: "Try again" }).click();
    await results();
    assert.match(await numbers(), /^21/);
    expected = false;
  },
};

let passed = 0;
let failed = 0;

async function end() {
  server.removeAllListeners("exit").kill("SIGTERM");
  await Promise.race([browser.close(), new Promise((done) => setTimeout(done, 3000))]);
  rmSync(folder, { recursive: true, force: true });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

// A page that hangs must not hang whoever waits for the tests.
setTimeout(() => {
  failed++;
  console.log(`FAIL not over after ${LIMIT_S} s`);
  void end();
}, LIMIT_S * 1000);

for (const [name, test] of Object.entries(tests)) {
  if (wanted.length && !wanted.some((w) => name.includes(w))) continue;
  complaints = [];
  expected = false;
  const began = Date.now();
  try {
    const skipped = await test();
    assert.deepEqual(complaints, [], "the console stays free of errors");
    passed++;
    console.log(`ok   ${name}${skipped ? ` (skipped: ${skipped})` : ""}  ${((Date.now() - began) / 1000).toFixed(1)} s`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n${error.stack ?? error}\n${complaints.join("\n")}`);
    page.setDefaultTimeout(3000); // what follows may need what is missing now
    await page.screenshot({ path: join(given.shots, `failed-${passed + failed}.png`) }).catch(() => {});
    await page.setViewportSize({ width: 1280, height: 800 });
  }
}
await end();
