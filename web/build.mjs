// SPDX-License-Identifier: MIT
// Bundles src/ into dist/, which is committed, so that akin is built without node.
//   node build.mjs          writes dist/
//   node build.mjs --check  compares dist/ with what it would be, byte for byte
import * as esbuild from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

/** What is built: a map of paths in dist/ and their bytes. */
async function build() {
  const result = await esbuild.build({
    absWorkingDir: here,
    entryPoints: ["src/app.tsx", "src/style.css", "src/icon.svg"],
    outdir: "dist",
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    loader: { ".svg": "copy" },
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "none",
    metafile: true,
    write: false,
  });
  const files = new Map(
    result.outputFiles.map((f) => [relative(dist, f.path), Buffer.from(f.contents)]),
  );
  let page = await readFile(join(here, "src/index.html"), "utf8");
  for (const [path, output] of Object.entries(result.metafile.outputs))
    if (output.entryPoint)
      page = page.replace(output.entryPoint.replace("src/", "./"), "/" + relative("dist", path));
  files.set("index.html", Buffer.from(page));
  files.set("licences.txt", Buffer.from(await licences(result.metafile)));
  return files;
}

/** The licences of the packages that are in the bundle. */
async function licences(metafile) {
  const used = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const at = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (at) used.add(at[1]);
  }
  let text = "akin's browser application holds these packages.\n";
  for (const name of [...used].sort()) {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    text += `\n${name} ${version}\n\n${(await readFile(join(folder, "LICENSE"), "utf8")).trim()}\n`;
  }
  return text;
}

async function existing() {
  const names = await readdir(dist, { recursive: true, withFileTypes: true }).catch(() => []);
  return names.filter((n) => n.isFile()).map((n) => relative(dist, join(n.parentPath, n.name)));
}

const files = await build();
if (process.argv.includes("--check")) {
  const wrong = [];
  for (const [name, bytes] of files) {
    const there = await readFile(join(dist, name)).catch(() => null);
    if (!there?.equals(bytes)) wrong.push(name);
  }
  for (const name of await existing()) if (!files.has(name)) wrong.push(name);
  if (wrong.length) {
    console.error(`web/dist is not what web/src makes (npm run build): ${wrong.join(", ")}`);
    process.exit(1);
  }
} else {
  await rm(dist, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    await mkdir(dirname(join(dist, name)), { recursive: true });
    await writeFile(join(dist, name), bytes);
  }
  for (const [name, bytes] of files) console.log(String(bytes.length).padStart(8), name);
}
