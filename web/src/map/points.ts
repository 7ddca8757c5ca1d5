// SPDX-License-Identifier: MIT
// The points of a map, and a grid over them by which the nearest is found at once.
import { Problem } from "../base/api";

export interface Points {
  n: number;
  ids: Float64Array; // of windows
  places: Float32Array; // x and y in turn
  stale: boolean;
  grid: Grid;
}

export interface Grid {
  x: number;
  y: number;
  cell: number; // the side of one
  across: number;
  down: number;
  from: Uint32Array; // where a cell's points begin in order
  order: Uint32Array;
}

export interface Colours {
  legend: { code: number; name: string; count: number }[];
  codes: Uint8Array;
}

const address = (db: string) => `/api/databases/${encodeURIComponent(db)}/map`;

function makeGrid(places: Float32Array): Grid {
  const n = places.length / 2;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < n; i++) {
    const [x, y] = [places[2 * i]!, places[2 * i + 1]!];
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  if (n === 0) [left, top, right, bottom] = [0, 0, 1, 1];
  const [width, height] = [right - left, bottom - top];
  const most = Math.max(width, height, 1e-6);
  // Some four points a cell, were they spread evenly.
  const cell = Math.max(most / 1024, Math.sqrt((4 * Math.max(width, most / 64) * Math.max(height, most / 64)) / Math.max(n, 1)));
  const across = Math.floor(width / cell) + 1;
  const down = Math.floor(height / cell) + 1;
  const from = new Uint32Array(across * down + 1);
  const cells = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const column = Math.min(across - 1, Math.floor((places[2 * i]! - left) / cell));
    const row = Math.min(down - 1, Math.floor((places[2 * i + 1]! - top) / cell));
    const c = row * across + column;
    cells[i] = c;
    from[c + 1]!++;
  }
  for (let c = 0; c < across * down; c++) from[c + 1]! += from[c]!;
  const next = from.slice();
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[next[cells[i]!]!++] = i;
  return { x: left, y: top, cell, across, down, from, order };
}

/** null: none was made. */
export async function getPoints(db: string, signal: AbortSignal): Promise<Points | null> {
  const response = await fetch(address(db), { signal });
  if (response.status === 404) return null;
  if (!response.ok) throw new Problem(response.status, "The map cannot be read.", "Make it anew.", await response.text());
  const n = Number(response.headers.get("X-Count"));
  const bytes = await response.arrayBuffer();
  const halves = new Uint32Array(bytes, 0, 2 * n);
  const ids = new Float64Array(n);
  for (let i = 0; i < n; i++) ids[i] = halves[2 * i]! + halves[2 * i + 1]! * 2 ** 32;
  const places = new Float32Array(bytes, 8 * n, 2 * n);
  return { n, ids, places, stale: response.headers.get("X-Stale") === "true", grid: makeGrid(places) };
}

export async function getColours(db: string, by: string, signal: AbortSignal): Promise<Colours> {
  const response = await fetch(`${address(db)}/colours?by=${by}`, { signal });
  if (!response.ok) throw new Problem(response.status, "The colours cannot be read.", "Try again.", await response.text());
  const at = Number(response.headers.get("X-Legend-Bytes"));
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { legend } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at))) as Pick<Colours, "legend">;
  return { legend, codes: bytes.subarray(at) };
}

/** The point nearest to a place, of those that `fits` takes; -1: none within `reach`. */
export function nearest(
  { grid, places }: Points,
  x: number,
  y: number,
  reach: number,
  fits?: (dx: number, dy: number, i: number) => boolean,
): number {
  const column = Math.floor((x - grid.x) / grid.cell);
  const row = Math.floor((y - grid.y) / grid.cell);
  let best = -1;
  let least = reach;
  const visit = (c: number, r: number) => {
    if (c < 0 || r < 0 || c >= grid.across || r >= grid.down) return;
    const cell = r * grid.across + c;
    for (let k = grid.from[cell]!; k < grid.from[cell + 1]!; k++) {
      const i = grid.order[k]!;
      const [dx, dy] = [places[2 * i]! - x, places[2 * i + 1]! - y];
      const d = Math.hypot(dx, dy);
      if (d < least && (!fits || fits(dx, dy, i))) {
        least = d;
        best = i;
      }
    }
  };
  // Rings of cells, until none that comes can be nearer.
  const last = Math.max(Math.abs(column), Math.abs(row), Math.abs(grid.across - column), Math.abs(grid.down - row));
  for (let ring = 0; ring <= last && (ring - 1) * grid.cell <= least; ring++) {
    if (ring === 0) visit(column, row);
    for (let k = -ring; ring > 0 && k < ring; k++) {
      visit(column + k, row - ring);
      visit(column + ring, row + k);
      visit(column - k, row + ring);
      visit(column - ring, row - k);
    }
  }
  return best;
}

/** The points within a polygon of x and y in turn. */
export function inside({ grid, places }: Points, polygon: number[]): number[] {
  const xs = polygon.filter((_, k) => k % 2 === 0);
  const ys = polygon.filter((_, k) => k % 2 === 1);
  const clip = (v: number, most: number) => Math.max(0, Math.min(most - 1, Math.floor(v / grid.cell)));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const found: number[] = [];
  const holds = (x: number, y: number) => {
    let is = false;
    for (let a = 0, b = xs.length - 1; a < xs.length; b = a++)
      if (ys[a]! > y !== ys[b]! > y && x < ((xs[b]! - xs[a]!) * (y - ys[a]!)) / (ys[b]! - ys[a]!) + xs[a]!) is = !is;
    return is;
  };
  for (let r = clip(top - grid.y, grid.down); r <= clip(bottom - grid.y, grid.down); r++)
    for (let c = clip(left - grid.x, grid.across); c <= clip(right - grid.x, grid.across); c++) {
      const cell = r * grid.across + c;
      for (let k = grid.from[cell]!; k < grid.from[cell + 1]!; k++) {
        const i = grid.order[k]!;
        if (holds(places[2 * i]!, places[2 * i + 1]!)) found.push(i);
      }
    }
  return found;
}
