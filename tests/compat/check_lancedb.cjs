// SPDX-License-Identifier: MIT
// Proves with the real LanceDB that tables go there and come back.
//
// usage: NODE_PATH=FOLDER/node_modules node check_lancedb.cjs AKIN
//        (needs @lancedb/lancedb and apache-arrow there)
//
// What akin exports is made a table, which must give the answers that akin
// gives; the table, read back, must be the same database to akin. Prints a line
// a check, the last is "N passed, N failed"; exits 1 on a failure.
"use strict";
const { execFileSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const lancedb = require("@lancedb/lancedb");
const { tableFromIPC, tableToIPC } = require("apache-arrow");

const ROWS = 300;
const DIM = 16;
const SAME = 1e-5;
const FORMS = [["file", "arrow"], ["stream", "arrows"]];
const akin = path.resolve(process.argv[2]);
const results = [];

function check(name, good, detail = "") {
  results.push(good);
  console.log(good ? `ok   ${name}` : `FAIL ${name} ${detail}`);
}

// ---- numbers and files --------------------------------------------------------

// The same at every run (mulberry32).
let seed = 1;
function chance() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

function vector(dim = DIM) {
  return Array.from({ length: dim }, () => Math.fround(chance() * 2 - 1));
}

function writeNpy(file, values) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ` +
    `(${values.length},), }`;
  const head = Buffer.from("\x93NUMPY\x01\x00\x76\x00" + text.padEnd(117) +
                           "\n", "latin1");
  fs.writeFileSync(file, Buffer.concat(
    [head, Buffer.from(Float32Array.from(values).buffer)]));
}

function run(...args) {
  return execFileSync(akin, args, { encoding: "utf8",
                                    stdio: ["ignore", "pipe", "pipe"] });
}

function readArrow(file) {
  return tableFromIPC(fs.readFileSync(file));
}

// A value that compares by ===, whatever class it is of here.
function plain(value) {
  return JSON.stringify(value, (key, v) =>
    typeof v === "bigint" ? v.toString() :
    ArrayBuffer.isView(v) || (v && typeof v.toArray === "function") ?
      Array.from(v) : v);
}

// What differs between two tables, column by column; "" if nothing does.
function difference(a, b) {
  const names = (t) => t.schema.fields.map((f) => `${f.name}:${f.type}`).join();
  if (names(a) !== names(b)) return `${names(a)}, not ${names(b)}`;
  if (a.numRows !== b.numRows) return `${a.numRows} rows, not ${b.numRows}`;
  for (const { name } of a.schema.fields)
    for (let i = 0; i < a.numRows; i++) {
      const x = plain(a.getChild(name).get(i));
      const y = plain(b.getChild(name).get(i));
      if (x !== y) return `row ${i} of ${name}: ${x}, not ${y}`;
    }
  return "";
}

// ---- searches ------------------------------------------------------------------

// Distances as LanceDB has them: squared, and 1 - cosine.
const METRICS = [
  ["l2", "euclidean", (score) => score * score],
  ["cosine", "cosine", (score) => 1 - score],
];

async function checkSearches(name, table, db) {
  for (const [metric, score, distance] of METRICS) {
    let worst = 0;
    let wrong = "";
    for (let i = 0; i < 20; i++) {
      const query = vector();
      writeNpy("query.npy", query);
      const where = i % 2 ? ["--filter", "recording = 'r7.wav'"] : [];
      const ours = JSON.parse(run("search", db, "--vector", "query.npy",
        "--score-function", score, "-n", "10", "--json", ...where)).results;
      let search = table.vectorSearch(query).distanceType(metric).limit(10);
      if (where.length) search = search.where("recording = 'r7.wav'");
      const theirs = await search.toArray();
      const ids = (hits, key) => hits.map((hit) => String(hit[key])).join();
      if (ids(ours, "window_id") !== ids(theirs, "id") || ours.length < 5)
        wrong = `${ids(ours, "window_id")}, not ${ids(theirs, "id")}`;
      else
        theirs.forEach((hit, k) => {
          const apart = Math.abs(hit._distance - distance(ours[k].score));
          if (!(apart <= worst)) worst = apart;
        });
    }
    check(`${name}: ${metric} has the same answers (${worst.toExponential(1)})`,
          !wrong && worst <= SAME, wrong);
  }
}

// ---- the checks ------------------------------------------------------------------

function makeDatabase() {
  const lines = ["file_path,start,end,embedding"];
  for (let i = 0; i < ROWS; i++) {
    const name = i % 3 ? `r${i % 20}.wav` : `site \u00e9, ${i % 7}/\u2603.wav`;
    lines.push(`"${name}",${i * 3},${i * 3 + 3},"${vector().join()}"`);
  }
  fs.writeFileSync("in.csv", lines.join("\n") + "\n");
  run("import", "in.csv", "first.db", "--model", "some net", "-q");
}

async function checkDatabase(connection) {
  makeDatabase();
  run("export", "first.db", "first.arrow", "-q");
  const first = readArrow("first.arrow");
  for (const [form, ending] of FORMS) {
    const file = `out-${form}.${ending}`;
    run("export", "first.db", file, "-q");
    const table = await connection.createTable(`from_${form}`, readArrow(file));
    check(`${form}: LanceDB has every row`, await table.countRows() === ROWS);
    await checkSearches(form, table, "first.db");
    const rows = await table.query().toArrow();
    for (const [back, its] of FORMS) {
      const name = `${form}-${back}`;
      fs.writeFileSync(`${name}.${its}`, tableToIPC(rows, back));
      run("import", `${name}.${its}`, `${name}.db`, "-q");
      run("export", `${name}.db`, `${name}-again.arrow`, "-q");
      const again = readArrow(`${name}-again.arrow`);
      const apart = difference(again, first);
      check(`${form}, back as ${back}: every column is equal`, !apart, apart);
      check(`${form}, back as ${back}: the model is known`,
            again.schema.metadata.get("model") === "some net");
    }
  }
}

// A table that began in LanceDB, out of records.
async function checkRecords(connection) {
  const records = Array.from({ length: 50 }, (_, i) => ({
    name: `song ${i} \u00e9`, year: 1970 + i, vector: vector(),
    artist: { name: `a${i % 3}`, id: String(i % 3) }, tags: ["x", `t${i}`],
  }));
  const table = await connection.createTable("records", records);
  const rows = await table.query().toArrow();
  for (const [form, ending] of FORMS) {
    fs.writeFileSync(`records.${ending}`, tableToIPC(rows, form));
    run("import", `records.${ending}`, `records-${form}.db`, "-q");
    run("export", `records-${form}.db`, `records-${form}-out.arrow`, "-q");
    const seen = readArrow(`records-${form}-out.arrow`);
    let wrong = seen.numRows === records.length ? "" : `${seen.numRows} rows`;
    records.forEach((record, i) => {
      const row = seen.get(i);
      const near = record.vector.every(
        (value, k) => Math.abs(value - row.vector.get(k)) < 1e-3); // float16
      if (row.recording !== record.name || !near) wrong = `row ${i}: ${row}`;
    });
    check(`records of LanceDB, as ${form}`, !wrong, wrong);
  }
}

// ---- datasets ----------------------------------------------------------------

// A square of a colour, as PPM.
function writePicture(file, i) {
  const pixels = Buffer.alloc(24 * 24 * 3);
  for (let k = 0; k < pixels.length; k++)
    pixels[k] = k % 3 ? (k * (i + 1)) % 251 : 20 * i;
  fs.writeFileSync(file, Buffer.concat([Buffer.from("P6 24 24 255\n"),
                                        pixels]));
}

function makeDataset() {
  fs.mkdirSync("pictures");
  for (let i = 0; i < 12; i++)
    writePicture(path.join("pictures", `p\u00e9 ${i}.ppm`), i);
  run("dataset", "import", "pictures", "library/set", "-q");
  run("dataset", "add-table", "library/set", "--table", "emb", "-q");
  run("dataset", "compute", "library/set", "--table", "emb", "-q");
}

// akin's distance is 2 - 2 cosine. The squared one is that of vectors of length
// 1, which those of a table are as far as float16 goes.
const ITEM_METRICS = [
  ["l2", (hit) => hit.distance, 1e-3],
  ["cosine", (hit) => 1 - hit.similarity, SAME],
];

async function checkItems(name, table, rows) {
  for (const [metric, distance, near] of ITEM_METRICS) {
    let worst = 0;
    let wrong = "";
    for (const row of rows) {
      writeNpy("query.npy", Array.from(row.vector));
      const ours = JSON.parse(run("search", "library/set", "--table", "emb",
        "--vector", "query.npy", "-n", "5", "--json")).results;
      const theirs = await table.vectorSearch(Array.from(row.vector))
        .distanceType(metric).limit(5).toArray();
      const a = ours.map((hit) => hit.item.id).join();
      const b = theirs.map((hit) => hit.item_ref.id).join();
      if (a !== b) wrong = `${a}, not ${b}`;
      theirs.forEach((hit, k) => {
        worst = Math.max(worst, Math.abs(hit._distance - distance(ours[k])));
      });
    }
    check(`${name}: the same items by ${metric} (${worst.toExponential(1)})`,
          !wrong && worst <= near, wrong);
  }
}

async function checkDataset(connection) {
  const columns = "id created_at updated_at item_ref vector shape view_ref";
  makeDataset();
  run("export", "library/set", "set.arrow", "--table", "emb", "-q");
  const first = readArrow("set.arrow");
  check("dataset: the columns are Pixano's",
        first.schema.fields.map((f) => f.name).join(" ") === columns);
  for (const [form, ending] of FORMS) {
    const name = `dataset, as ${form}`;
    run("export", "library/set", `set-${form}.${ending}`, "--table", "emb",
        "-q");
    const table = await connection.createTable(
      `set_${form}`, readArrow(`set-${form}.${ending}`));
    await checkItems(name, table, first);
    const rows = await table.query().toArrow();
    const apart = difference(rows, first);
    check(`${name}: every column is equal in LanceDB`, !apart, apart);
    fs.writeFileSync(`back.${ending}`, tableToIPC(rows, form));
    run("import", `back.${ending}`, "library/set", "--table", `b-${form}`,
        "--model", "tint", "-q");
    run("export", "library/set", "again.arrow", "--table", `b-${form}`, "-q");
    const again = readArrow("again.arrow");
    const kept = ["item_ref", "vector", "shape", "view_ref"];
    const now = difference(again.select(kept), first.select(kept));
    check(`${name}: every column is equal, back in akin`, !now, now);
  }
}

async function main() {
  const version = (name) => JSON.parse(fs.readFileSync(path.join(
    process.env.NODE_PATH, name, "package.json"))).version;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "akin-lancedb-"));
  console.log(`LanceDB ${version("@lancedb/lancedb")}, apache-arrow ` +
              `${version("apache-arrow")}, Node ${process.version}`);
  try {
    process.chdir(folder);
    const connection = await lancedb.connect(path.join(folder, "lancedb"));
    await checkDatabase(connection);
    await checkRecords(connection);
    await checkDataset(connection);
  } catch (error) {
    check("no call fails", false, error.stderr || error.stack);
  }
  process.chdir(os.tmpdir());
  fs.rmSync(folder, { recursive: true });
  const failed = results.filter((good) => !good).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

main();
