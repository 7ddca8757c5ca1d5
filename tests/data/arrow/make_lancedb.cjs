// SPDX-License-Identifier: MIT
// Makes lancedb.arrow and lancedb.stream: embeddings.arrow through a table of
// LanceDB (npm packages @lancedb/lancedb 0.39.0, apache-arrow 18.1.0).
const fs = require("fs");
const os = require("os");
const path = require("path");
const lancedb = require("@lancedb/lancedb");
const { tableFromIPC, tableToIPC } = require("apache-arrow");

async function main() {
  const folder = process.argv[2] || __dirname;
  const source = tableFromIPC(
    fs.readFileSync(path.join(folder, "embeddings.arrow")));
  const place = fs.mkdtempSync(path.join(os.tmpdir(), "lancedb-"));
  const db = await lancedb.connect(place);
  const table = await db.createTable("embeddings", source);
  const rows = await table.toArrow();
  for (const form of ["file", "stream"])
    fs.writeFileSync(
      path.join(folder, form === "file" ? "lancedb.arrow" : "lancedb.stream"),
      tableToIPC(rows, form));
  fs.rmSync(place, { recursive: true });
}

main();
