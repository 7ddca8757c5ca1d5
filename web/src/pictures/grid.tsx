// SPDX-License-Identifier: MIT
// Thumbnails in rows of one height each, edge to edge, with their aspect kept.
import { datasets } from "../base/api";
import { score } from "../base/format";
import { isMarked } from "../base/marks";
import { Icon } from "../parts/icon";
import { useWidth } from "../parts/ui";
import type { Hit } from "./find";

const GAP = 8;

interface Place {
  width: number;
  height: number;
}

/** Rows that are filled when their pictures at the wanted height would be as wide
 * as the page; the last one keeps that height. */
export function justify(aspects: number[], width: number, wanted: number): Place[] {
  const out: Place[] = [];
  let row: number[] = [];
  const close = (full: boolean) => {
    const room = width - GAP * (row.length - 1);
    const sum = row.reduce((a, b) => a + b, 0);
    const height = full ? room / sum : Math.min(wanted, room / sum);
    for (const aspect of row) out.push({ width: aspect * height, height });
    row = [];
  };
  for (const given of aspects) {
    row.push(Math.min(3.5, Math.max(0.4, given)));
    const sum = row.reduce((a, b) => a + b, 0);
    if (sum * wanted + GAP * (row.length - 1) >= width) close(true);
  }
  if (row.length) close(false);
  return out;
}

const sizes = [128, 256, 512, 1024];
const sizeFor = (pixels: number) => sizes.find((s) => s >= pixels) ?? 1024;

export const titleOf = (hit: Hit): string => {
  const named = hit.item.title ?? hit.item.name;
  return typeof named === "string" && named ? named : (hit.url.split("/").pop() ?? hit.id);
};

interface GridProps {
  dataset: string;
  hits: Hit[];
  wanted: number;
  at: number; // the one that is selected
  open: string; // the item whose details are shown
  select: (i: number) => void;
  show: (hit: Hit) => void;
  mark: (hit: Hit) => void;
}

export function Grid(p: GridProps) {
  const [ref, width] = useWidth<HTMLUListElement>();
  const places = width ? justify(p.hits.map((h) => h.width / h.height), Math.floor(width) - 0.5, Math.min(p.wanted, 40 + width / 5)) : [];
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  return (
    <ul class="grid" ref={ref} aria-label="Results">
      {places.map((place, i) => {
        const hit = p.hits[i];
        if (!hit) return null;
        const marked = isMarked(p.dataset, hit.id);
        const name = titleOf(hit);
        const similarity = hit.similarity === null ? "" : score(hit.similarity);
        const large = Math.max(place.width, place.height);
        return (
          <li
            key={hit.id}
            class={`tile ${i === p.at ? "at" : ""} ${hit.id === p.open ? "open" : ""} ${marked ? "marked" : ""}`}
            style={{ width: `${place.width}px`, height: `${place.height}px` }}
          >
            <button
              type="button"
              class="tile-picture"
              data-i={i}
              tabIndex={i === p.at ? 0 : -1}
              aria-label={name + (similarity ? `, similarity ${similarity}` : "") + (marked ? ", marked" : "")}
              aria-current={hit.id === p.open ? "true" : undefined}
              title={name}
              onFocus={() => p.select(i)}
              onClick={() => p.show(hit)}
            >
              <img
                src={datasets.thumbnail(p.dataset, hit.view, sizeFor(large * ratio))}
                alt=""
                class={Math.max(hit.width, hit.height) * 2 < large ? "pixels" : ""}
                decoding="async"
              />
              {similarity && <span class="similarity">{similarity}</span>}
            </button>
            <button
              type="button"
              class="tile-mark"
              tabIndex={-1}
              aria-pressed={marked}
              aria-label={`Mark ${name}`}
              title="Mark (X)"
              onClick={() => p.mark(hit)}
            >
              <Icon name="check" size={16} />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** The nearest tile in the row above or below. */
export function vertical(places: DOMRect[], at: number, down: boolean): number {
  const own = places[at];
  if (!own) return at;
  const middle = (r: DOMRect) => r.left + r.width / 2;
  const beyond = places
    .map((r, i) => ({ r, i }))
    .filter(({ r }) => (down ? r.top > own.top + 1 : r.top < own.top - 1));
  const row = down ? Math.min(...beyond.map((b) => b.r.top)) : Math.max(...beyond.map((b) => b.r.top));
  const there = beyond.filter(({ r }) => Math.abs(r.top - row) < 1);
  there.sort((a, b) => Math.abs(middle(a.r) - middle(own)) - Math.abs(middle(b.r) - middle(own)));
  return there[0]?.i ?? at;
}
