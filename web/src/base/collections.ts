// SPDX-License-Identifier: MIT
// The datasets that are here: listed once, then again when a job has ended.
import { computed, effect, signal } from "@preact/signals";
import { databases as databaseApi, datasets, type Database, type Dataset, type Table } from "./api";
import { ended } from "./jobs";
import { inUse } from "./router";

export const root = signal("");
export const all = signal<Dataset[] | null>(null);
export const databases = signal<Database[] | null>(null);
export const problem = signal<unknown>(null);

/** One by its id or its folder's name, as addresses have it. */
export const find = (name: string): Dataset | undefined =>
  all.value?.find((d) => d.id === name || d.name === name);

export const current = computed(() => (inUse.value ? find(inUse.value) : undefined));

export const currentDatabase = computed(() =>
  inUse.value ? databases.value?.find((d) => d.id === inUse.value) : undefined,
);

export const embeddings = (dataset: Dataset | undefined): Table[] =>
  (dataset?.tables ?? []).filter((t) => t.group === "embeddings");
export const viewTables = (dataset: Dataset | undefined): Table[] =>
  (dataset?.tables ?? []).filter((t) => t.group === "views");

export async function load(): Promise<void> {
  try {
    const [answer, others] = await Promise.all([datasets.list(), databaseApi.list()]);
    databases.value = others.databases;
    root.value = answer.root;
    const before = all.value;
    all.value = answer.datasets.map((d) => {
      const tables = before?.find((b) => b.id === d.id)?.tables;
      return tables ? { ...d, tables } : d;
    });
    problem.value = null;
    await Promise.all(answer.datasets.filter((d) => !d.problem).map((d) => loadOne(d.id)));
  } catch (error) {
    problem.value = error;
  }
}

/** With its tables. */
export async function loadOne(id: string): Promise<void> {
  try {
    const one = await datasets.get(id);
    all.value = (all.value ?? []).map((d) => (d.id === one.id ? { ...d, ...one } : d));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    all.value = (all.value ?? []).map((d) => (d.id === id ? { ...d, problem: text } : d));
  }
}

effect(() => {
  if (ended.value > 0) void load();
});
