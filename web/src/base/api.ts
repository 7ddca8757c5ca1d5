// SPDX-License-Identifier: MIT
// What the server is asked. docs/HTTP.md has the routes.

export type Value = string | number | boolean | null | { name: string; id: string };
export type Row = { id: string } & Record<string, Value>;

export interface Column {
  name: string;
  type: string;
}

export interface Table {
  name: string;
  group: string;
  num_rows: number;
  columns: Column[];
  model?: string;
  text?: boolean;
  state?: string;
  dim?: number;
}

export interface Dataset {
  id: string;
  name: string;
  path: string;
  media: string;
  description: string;
  num_items: number;
  num_views: number;
  problem: string | null;
  tables?: Table[];
}

export interface Model {
  name: string;
  modality: string;
  dim: number;
  text: boolean;
  about: string;
  problem: string | null;
}

export interface Job {
  id: string;
  kind: string;
  target: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  cancelling: boolean;
  fraction: number;
  phase: string | null;
  done: number;
  total: number;
  file: string | null;
  elapsed_s: number;
  remaining_s: number | null;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  error: string | null;
  audio_s?: number;
  n_messages: number;
  messages?: { subject: string; text: string }[]; // not in the list of all
  result: Record<string, unknown> | null;
}

export interface Answer {
  table: string;
  model: string;
  mode: string;
  took_ms: number;
  total: number;
  total_matching: number;
  results: {
    rank: number;
    similarity: number;
    item: Row;
    view_ref: { name: string; id: string };
    url: string;
  }[];
}

/** What went wrong, what may help, and the server's own words. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    what: string,
    readonly help: string,
    readonly detail: string,
  ) {
    super(what);
  }
}

const helps: Record<number, string> = {
  0: "Look whether akin serve still runs on its machine, then try again.",
  400: "Change what is asked: the filter, the words, or the file.",
  401: "Open the address that akin serve printed, with its token.",
  403: "Open akin by the address that akin serve printed; for another name, start it with --name.",
  404: "It may have been moved or removed. Choose another.",
  409: "Choose another table, or install the model with akin model install.",
  413: "Choose less at a time, or a smaller file.",
  415: "Choose a picture as JPEG, PNG, WebP, AVIF, TIFF, GIF or BMP.",
  422: "Change what is asked; the details name what does not fit.",
  429: "Wait until some jobs are done, or cancel those that are not needed.",
  503: "Another process writes to it. Wait until that is over, then try again.",
};

function sentence(detail: unknown): string {
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail))
    return detail
      .map((d: { loc?: string[]; msg?: string }) => `${(d.loc ?? []).slice(1).join(".")}: ${d.msg}`)
      .join("; ");
  return "the server gave no reason";
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.?]$/.test(text) ? "" : ".");
}

export async function ask<T>(
  target: string,
  options: { method?: string; body?: unknown; form?: FormData; signal?: AbortSignal } = {},
): Promise<T> {
  const method = options.method ?? (options.body === undefined && !options.form ? "GET" : "POST");
  const init: RequestInit = { method };
  if (options.signal) init.signal = options.signal;
  if (options.form) init.body = options.form;
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(target, init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, "The server does not answer.", helps[0] ?? "", `${method} ${target}: ${error}`);
  }
  const text = await response.text();
  let value: unknown = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    value = { detail: text.slice(0, 500) };
  }
  if (response.ok) return value as T;
  const detail = sentence((value as { detail?: unknown } | null)?.detail);
  throw new Problem(
    response.status,
    capital(detail),
    helps[response.status] ?? "Try again; if it stays, the details are for a report.",
    `${method} ${target}\n${response.status} ${response.statusText}\n${text}`,
  );
}

export function is(problem: unknown): problem is Problem {
  return problem instanceof Problem;
}

const within = (dataset: string) => `/api/datasets/${encodeURIComponent(dataset)}`;

export const datasets = {
  list: () => ask<{ root: string; datasets: Dataset[] }>("/api/datasets"),
  get: (id: string) => ask<Dataset>(within(id)),
  create: (body: { name: string; folder: string; description?: string }) =>
    ask<{ job_id: string }>("/api/datasets", { body }),
  rows: (id: string, table: string, query: [string, string][], signal?: AbortSignal) =>
    ask<{ rows: Row[]; total?: number | null }>(
      `${within(id)}/tables/${encodeURIComponent(table)}/rows?${new URLSearchParams(query)}`,
      signal ? { signal } : {},
    ),
  search: (id: string, body: Record<string, unknown>, signal?: AbortSignal) =>
    ask<Answer>(`${within(id)}/search`, signal ? { body, signal } : { body }),
  addTable: (id: string, body: { name: string; model: string }) =>
    ask<Table>(`${within(id)}/tables`, { body }),
  compute: (id: string, body: { table: string; force?: boolean }) =>
    ask<{ job_id: string }>(`${within(id)}/compute`, { body }),
  tag: (id: string, body: { table: string; labels: string[]; field?: string }) =>
    ask<{ job_id: string }>(`${within(id)}/tag`, { body }),
  thumbnail: (id: string, view: string, size: number) =>
    `${within(id)}/thumbnail/${encodeURIComponent(view)}?size=${size}`,
  media: (id: string, view: string) => `${within(id)}/media/${encodeURIComponent(view)}`,
};

// ---- databases of sounds

export interface Database {
  id: string;
  path: string;
  modality: string;
  model: { name: string; dim: number; available: boolean; text: boolean; rate_hz: number; window_s: number };
  settings: { overlap: number; audio_speed: number; fmin: number | null; fmax: number | null };
  counts: { recordings: number; windows: number; annotations: number };
  bytes: { sqlite: number; index: number };
  problem: string | null;
}

export interface Window {
  window_id: number;
  recording_id: number;
  recording: string;
  start: number;
  end: number;
  datetime: string | null;
  labels: string[];
  score?: number;
}

export interface Heard {
  query: { upload: string | null; name: string | null; spans?: { start: number; end: number }[] };
  mode: string;
  took_ms: number;
  searched: number;
  results: Window[];
}

const inside = (db: string) => `/api/databases/${encodeURIComponent(db)}`;

/** What is seen and heard: of a window, or of a file that was sent. */
export const media = {
  window: (db: string, id: number) => `${inside(db)}/windows/${id}`,
  upload: (id: string) => `/api/uploads/${encodeURIComponent(id)}`,
};

export const databases = {
  list: () => ask<{ root: string; databases: Database[] }>("/api/databases"),
  windows: (db: string, query: Record<string, string>, signal?: AbortSignal) =>
    ask<{ total: number; windows: Window[] }>(`${inside(db)}/windows?${new URLSearchParams(query)}`, signal ? { signal } : {}),
  search: (db: string, body: Record<string, unknown>, signal?: AbortSignal) =>
    ask<Heard>(`${inside(db)}/search`, signal ? { body, signal } : { body }),
  labels: (db: string) =>
    ask<{ labels: { label: string; positive: number; negative: number; uncertain: number }[]; total: number }>(
      `${inside(db)}/labels?limit=1`,
    ),
  label: (db: string, body: { windows: number[]; label: string; type: string }) =>
    ask<{ added: { id: number; window_id: number }[] }>(`${inside(db)}/labels`, { body }),
  window: (db: string, id: number, signal?: AbortSignal) => ask<Window>(`${inside(db)}/windows/${id}`, signal ? { signal } : {}),
  makeMap: (db: string) => ask<{ job_id: string }>(`${inside(db)}/map`, { method: "POST" }),
  unlabel: (db: string, id: number) => ask<null>(`${inside(db)}/labels/${id}`, { method: "DELETE" }),
  /** The sounds of windows and a manifest, as a zip. */
  zip: async (db: string, windows: number[]): Promise<Blob> => {
    const response = await fetch(`${inside(db)}/export`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ windows }),
    });
    if (response.ok) return response.blob();
    throw new Problem(response.status, "The sounds cannot be exported.", helps[response.status] ?? "", await response.text());
  },
  upload: async (file: Blob & { name?: string }) => {
    const form = new FormData();
    form.append("file", file, file.name ?? "recording");
    return ask<{ id: string; name: string }>("/api/uploads", { form });
  },
};

export interface Folders {
  path: string | null;
  parent: string | null;
  roots: { name: string; path: string }[];
  folders: { name: string; path: string }[];
  cut: boolean;
  counts: { sounds: number; pictures: number; films: number } | null;
}

export const folders = (path: string, signal?: AbortSignal) =>
  ask<Folders>(`/api/folders?${new URLSearchParams(path ? { path, count: "1" } : {})}`, signal ? { signal } : {});

export const extract = (db: string, body: Record<string, unknown>) =>
  ask<{ job_id: string }>(`${inside(db)}/extract`, { body });

export const models = () => ask<{ models: Model[] }>("/api/models");

export const jobs = {
  list: () => ask<{ jobs: Job[] }>("/api/jobs"),
  get: (id: string) => ask<Job>(`/api/jobs/${encodeURIComponent(id)}`),
  cancel: (id: string) => ask<Job>(`/api/jobs/${encodeURIComponent(id)}`, { method: "DELETE" }),
  events: (id: string) => new EventSource(`/api/jobs/${encodeURIComponent(id)}/events`),
};
