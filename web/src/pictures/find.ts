// SPDX-License-Identifier: MIT
// A page of a dataset: what the address asks for, and the items that answer it.
import { asBase64, keptFile } from "../base/kept";
import { datasets, Problem, type Dataset, type Row } from "../base/api";
import { embeddings, viewTables } from "../base/collections";
import { marksOf } from "../base/marks";

export const PAGE = 20;

export interface Question {
  dataset: string;
  table: string;
  text: string;
  picture: string; // a kept file
  like: string; // an item
  where: string;
  sort: string;
  descending: boolean;
  page: number;
  marked: boolean;
}

export function read(dataset: string, values: URLSearchParams): Question {
  const get = (name: string) => values.get(name) ?? "";
  const sort = get("sort");
  return {
    dataset,
    table: get("table"),
    text: get("q"),
    picture: get("picture"),
    like: get("like"),
    where: get("where"),
    sort: sort.replace(/^-/, ""),
    descending: sort.startsWith("-"),
    page: Math.max(1, Math.floor(Number(get("page"))) || 1),
    marked: get("marked") === "1",
  };
}

export const isSearch = (q: Question) => !q.marked && !!(q.text || q.picture || q.like);

export interface Hit {
  id: string;
  item: Row;
  view: string; // its id
  viewTable: string;
  url: string;
  similarity: number | null;
  width: number;
  height: number;
}

export interface Found {
  question: Question;
  hits: Hit[];
  total: number | null; // that match
  all: number; // that there are
  answer: { table: string; mode: string; took_ms: number } | null;
}

/** The table that a question is answered by, as the server would choose it. */
export function tableFor(dataset: Dataset | undefined, q: Question) {
  const tables = embeddings(dataset);
  const named = tables.find((t) => t.name === q.table);
  if (q.table) return named;
  const full = tables.filter((t) => t.num_rows > 0 && (!q.text || t.text));
  return full.find((t) => t.text) ?? full[0] ?? tables.find((t) => t.text) ?? tables[0];
}

async function sized(dataset: Dataset, hits: Hit[], signal: AbortSignal): Promise<Hit[]> {
  const byTable = Map.groupBy(hits, (h) => h.viewTable);
  const sizes = new Map<string, Row>();
  await Promise.all(
    [...byTable].map(async ([table, some]) => {
      const asked = some.map((h): [string, string] => ["ids", h.view]);
      const { rows } = await datasets.rows(dataset.id, table, asked, signal);
      for (const row of rows) sizes.set(row.id, row);
    }),
  );
  return hits.map((h) => {
    const row = sizes.get(h.view);
    return { ...h, width: Number(row?.width) || 1, height: Number(row?.height) || 1 };
  });
}

/** Each item by the first of its views. */
export async function withViews(dataset: Dataset, items: Row[], signal: AbortSignal): Promise<Hit[]> {
  const found = new Map<string, Hit>();
  for (const { name } of viewTables(dataset)) {
    const left = items.filter((i) => !found.has(i.id));
    if (!left.length) break;
    const asked = left.map((i): [string, string] => ["item_ids", i.id]);
    const { rows } = await datasets.rows(dataset.id, name, [...asked, ["limit", "1000"]], signal);
    for (const row of rows) {
      const item = items.find((i) => i.id === (row.item_ref as { id: string }).id);
      if (!item || found.has(item.id)) continue;
      found.set(item.id, {
        id: item.id,
        item,
        view: row.id,
        viewTable: name,
        url: String(row.url),
        similarity: null,
        width: Number(row.width) || 1,
        height: Number(row.height) || 1,
      });
    }
  }
  return items.flatMap((i) => found.get(i.id) ?? []);
}

async function search(dataset: Dataset, q: Question, signal: AbortSignal): Promise<Found> {
  const body: Record<string, unknown> = { limit: PAGE, skip: (q.page - 1) * PAGE };
  const table = tableFor(dataset, q);
  if (table) body.table = table.name;
  if (q.where) body.where = q.where;
  if (q.text) body.text = q.text;
  else if (q.like) body.item_id = q.like;
  else {
    const file = await keptFile(q.picture);
    if (!file)
      throw new Problem(
        0,
        "The picture of this address is not in this browser.",
        "Drop it here again: a picture that is searched by stays where it was dropped.",
        q.picture,
      );
    body.image = await asBase64(file);
  }
  const answer = await datasets.search(dataset.id, body, signal);
  const hits = answer.results.map((r) => ({
    id: r.item.id,
    item: r.item,
    view: r.view_ref.id,
    viewTable: r.view_ref.name,
    url: r.url,
    similarity: r.similarity,
    width: 1,
    height: 1,
  }));
  return {
    question: q,
    hits: await sized(dataset, hits, signal),
    total: answer.total_matching,
    all: answer.total,
    answer,
  };
}

async function browse(dataset: Dataset, q: Question, signal: AbortSignal): Promise<Found> {
  const asked: [string, string][] = [
    ["limit", String(PAGE)],
    ["skip", String((q.page - 1) * PAGE)],
  ];
  if (q.where) asked.push(["where", q.where]);
  if (q.sort) asked.push(["sort", q.sort]);
  if (q.sort && q.descending) asked.push(["descending", "true"]);
  const { rows, total } = await datasets.rows(dataset.id, "item", asked, signal);
  return {
    question: q,
    hits: await withViews(dataset, rows, signal),
    total: total ?? null,
    all: dataset.num_items,
    answer: null,
  };
}

async function marked(dataset: Dataset, q: Question, signal: AbortSignal): Promise<Found> {
  const all = marksOf(dataset.id);
  const some = all.slice((q.page - 1) * PAGE, q.page * PAGE);
  const asked = some.map((m): [string, string] => ["ids", m.id]);
  const { rows } = some.length ? await datasets.rows(dataset.id, "item", asked, signal) : { rows: [] };
  const hits = await withViews(dataset, rows, signal);
  return {
    question: q,
    // In the order in which they were marked, by the view that was seen.
    hits: some.flatMap((m) => {
      const hit = hits.find((h) => h.id === m.id);
      return hit ? [{ ...hit, similarity: m.similarity }] : [];
    }),
    total: all.length,
    all: dataset.num_items,
    answer: null,
  };
}

export function find(dataset: Dataset, q: Question, signal: AbortSignal): Promise<Found> {
  if (q.marked) return marked(dataset, q, signal);
  return isSearch(q) ? search(dataset, q, signal) : browse(dataset, q, signal);
}
