// SPDX-License-Identifier: MIT
// Colours of the codes of a map, which are told from light grounds and dark ones.

type Rgb = readonly [number, number, number];

const first: Rgb[] = [
  [31, 128, 200], [226, 116, 24], [46, 150, 70], [208, 62, 92], [140, 96, 202], [24, 156, 156],
  [190, 140, 10], [214, 84, 178], [124, 132, 40], [150, 94, 62], [92, 112, 232], [220, 78, 48],
];

function ofHue(hue: number, s: number, l: number): Rgb {
  const part = (k: number) => {
    const at = (k + hue / 30) % 12;
    return Math.round(255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(at - 3, 9 - at, 1))));
  };
  return [part(0), part(8), part(4)];
}

/** Hours go round: night is blue, noon is yellow. */
export function colourOf(by: string, code: number): Rgb {
  if (by === "time") return ofHue((240 + (code - 1) * 15) % 360, 0.62, 0.5);
  return first[code - 1] ?? ofHue((code * 137.5) % 360, 0.5, 0.42 + 0.06 * (code % 3));
}

export const css = (c: Rgb): string => `rgb(${c.join(" ")})`;

/** The 257 colours of Drawing; plain: of what has none, and there is nothing else. */
export function table(by: string, dark: boolean): Uint8Array {
  const bytes = new Uint8Array(4 * 257);
  const put = (code: number, c: Rgb, a: number) => bytes.set([...c, a], 4 * code);
  for (let code = 1; code < 256; code++) put(code, colourOf(by, code), 255);
  if (by === "none") put(0, dark ? [102, 195, 214] : [15, 110, 132], 255);
  else put(0, dark ? [140, 150, 152] : [120, 128, 128], 130);
  put(256, dark ? [255, 255, 255] : [10, 14, 15], 255);
  return bytes;
}
