// SPDX-License-Identifier: MIT
// Numbers, times and names as they are shown everywhere.

/** 12 345, with thin spaces. */
export function count(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

export function counted(n: number, one: string, many = one + "s"): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Three digits; a true minus, and no "-0.000". */
export function score(x: number): string {
  const text = x.toFixed(3);
  return text === "-0.000" ? "0.000" : text.replace("-", "\u2212");
}

/** m:ss, or h:mm:ss. */
export function duration(s: number): string {
  const all = Math.max(0, Math.round(s));
  const two = (n: number) => String(n).padStart(2, "0");
  const h = Math.floor(all / 3600);
  const m = Math.floor(all / 60) % 60;
  return h ? `${h}:${two(m)}:${two(all % 60)}` : `${m}:${two(all % 60)}`;
}

/** m:ss.s, a place in a recording. */
export function moment(s: number): string {
  const tenths = Math.round(s * 10);
  const m = Math.floor(tenths / 600);
  return `${m}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

/** ISO, to the minute, in the reader's own time. */
export function when(iso: string): string {
  const date = new Date(/[zZ]|[+-]\d\d:?\d\d$/.test(iso) ? iso : iso + "Z");
  if (Number.isNaN(date.getTime())) return iso;
  const two = (n: number) => String(n).padStart(2, "0");
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}`
  );
}

export function lastPart(path: string): string {
  return path.replace(/\/+$/, "").split("/").pop() ?? path;
}
