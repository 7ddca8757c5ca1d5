// SPDX-License-Identifier: MIT
// Marks: what is set aside, across pages and searches, with every step undone.
import { signal } from "@preact/signals";
import { read, write } from "./kept";

export interface Mark {
  id: string; // of an item, or a window
  view: string;
  url: string;
  similarity: number | null;
}

const all = signal<Record<string, Mark[]>>(read("marks", {}));
const undone: { collection: string; before: Mark[] }[] = [];

const none: Mark[] = [];

export const marksOf = (collection: string): Mark[] => all.value[collection] ?? none;
export const isMarked = (collection: string, id: string): boolean =>
  marksOf(collection).some((m) => m.id === id);

function set(collection: string, marks: Mark[]): void {
  all.value = { ...all.value, [collection]: marks };
  write("marks", all.value);
}

function change(collection: string, marks: Mark[]): void {
  undone.push({ collection, before: marksOf(collection) });
  if (undone.length > 200) undone.shift();
  set(collection, marks);
}

export function toggle(collection: string, mark: Mark): void {
  const marks = marksOf(collection);
  change(
    collection,
    isMarked(collection, mark.id) ? marks.filter((m) => m.id !== mark.id) : [...marks, mark],
  );
}

export function add(collection: string, more: Mark[]): void {
  const known = new Set(marksOf(collection).map((m) => m.id));
  const fresh = more.filter((m) => !known.has(m.id));
  if (fresh.length) change(collection, [...marksOf(collection), ...fresh]);
}

export function clear(collection: string): void {
  if (marksOf(collection).length) change(collection, []);
}

/** Takes the last step back; false: there is none. */
export function undo(): boolean {
  const last = undone.pop();
  if (last) set(last.collection, last.before);
  return !!last;
}

const cell = (value: unknown) => {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export function csv(header: string[], rows: unknown[][]): string {
  return [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export function download(name: string, what: string | Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(typeof what === "string" ? new Blob([what], { type: "text/csv" }) : what);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
