// SPDX-License-Identifier: MIT
// Pictures for the tests: Debian's stamps of tuxpaint or CIFAR-10's where they are,
// else made here.
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { crc32, deflateSync } from "node:zlib";

const crc = crc32 ?? ((bytes) => {
  let c = ~0;
  for (const b of bytes) {
    c ^= b;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
});

/** A PNG with a disc of one colour on a shaded ground. */
export function png(width, height, colour, seed = 0) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const out = Buffer.alloc(8 + body.length);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), 4 + body.length);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + 3 * width));
  const r = Math.min(width, height) * (0.25 + (seed % 5) * 0.04);
  for (let y = 0, at = 0; y < height; y++) {
    rows[at++] = 0;
    for (let x = 0; x < width; x++) {
      const inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < r * r;
      for (const c of inside ? colour : [226, 224 - (y * 40) / height, 220 - (x * 30) / width])
        rows[at++] = Math.max(0, Math.min(255, c + (inside ? seed : 0)));
    }
  }
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const colours = { red: [200, 40, 40], green: [40, 160, 60], blue: [50, 70, 200], grey: [110, 110, 110] };

function* under(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => a.name.localeCompare(b.name))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* under(path);
    else yield path;
  }
}

/** Fills a folder with some 100 pictures, each with a kind and a number. */
export function makePictures(folder, sharedData) {
  const stamps = "/usr/share/tuxpaint/stamps";
  const cifar = join(sharedData, "cifar10/test");
  const rows = [["file_name", "kind", "number"]];
  mkdirSync(folder, { recursive: true });
  const keep = (from, kind) => {
    const name = `${kind}-${basename(from)}`;
    copyFileSync(from, join(folder, name));
    rows.push([name, kind, rows.length]);
  };
  if (existsSync(stamps))
    for (const part of ["animals", "vehicles"].filter((p) => existsSync(join(stamps, p)))) {
      for (const path of under(join(stamps, part)))
        if (/\.png$/.test(path) && !/cartoon|toys|_mirror|_flip|_pre\./.test(path)) keep(path, basename(dirname(path)));
    }
  else if (existsSync(cifar))
    for (const kind of readdirSync(cifar).sort())
      for (const name of readdirSync(join(cifar, kind)).sort().slice(0, 12)) keep(join(cifar, kind, name), kind);
  else
    for (let i = 0; i < 90; i++) {
      const kind = Object.keys(colours)[i % 4];
      const name = `${kind}-${i}.png`;
      writeFileSync(join(folder, name), png(120 + (i % 7) * 30, 140, colours[kind], i % 30));
      rows.push([name, kind, i]);
    }
  writeFileSync(join(folder, "metadata.csv"), rows.map((r) => r.join(",")).join("\n") + "\n");
  return rows.length - 1;
}

/** Sounds of 6 s: a tone that warbles at its own rate, or comes in beeps. */
export function makeSounds(folder) {
  mkdirSync(folder, { recursive: true });
  const rate = 22050;
  for (const [name, hz, kind] of [["low", 400, 0], ["low-again", 430, 0], ["high", 4000, 0], ["beeps", 1500, 1], ["beeps-again", 1600, 1]]) {
    const n = rate * 6;
    const wav = Buffer.alloc(44 + 2 * n);
    wav.write("RIFF", 0);
    wav.writeUInt32LE(36 + 2 * n, 4);
    wav.write("WAVEfmt ", 8);
    wav.writeUInt32LE(16, 16);
    wav.writeUInt16LE(1, 20);
    wav.writeUInt16LE(1, 22);
    wav.writeUInt32LE(rate, 24);
    wav.writeUInt32LE(2 * rate, 28);
    wav.writeUInt16LE(2, 32);
    wav.writeUInt16LE(16, 34);
    wav.write("data", 36);
    wav.writeUInt32LE(2 * n, 40);
    for (let i = 0, phase = 0; i < n; i++) {
      phase += (2 * Math.PI * hz * (1 + 0.1 * Math.sin((2 * Math.PI * 3 * i) / rate))) / rate;
      const on = kind === 0 || (i / rate) % 0.5 < 0.2;
      wav.writeInt16LE(Math.round((on ? 12000 : 0) * Math.sin(phase) + ((i * 7919) % 101) - 50), 44 + 2 * i);
    }
    writeFileSync(join(folder, `${name}.wav`), wav);
  }
}

/** Items with two views each, and a file that is no picture. */
export function makeViews(folder) {
  mkdirSync(folder, { recursive: true });
  const lines = [];
  for (let i = 0; i < 6; i++) {
    const kind = Object.keys(colours)[i % 4];
    writeFileSync(join(folder, `${i}.png`), png(200, 150, colours[kind], i));
    writeFileSync(join(folder, `${i}-side.png`), png(120, 150, colours[kind], i + 9));
    lines.push({ views: { image: `${i}.png`, side: `${i}-side.png` }, kind, number: i });
  }
  writeFileSync(join(folder, "broken.png"), "this is no picture");
  lines.push({ views: { image: "broken.png" }, kind: "red", number: 99 });
  writeFileSync(join(folder, "metadata.jsonl"), lines.map((l) => JSON.stringify(l)).join("\n") + "\n");
}
