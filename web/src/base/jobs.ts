// SPDX-License-Identifier: MIT
// The jobs of the server as they go on: a list that is asked for now and then, and
// a stream of events for each that runs. Browsers have few connections to one
// server, so that streams are few, too; those that wait in line have none.
import { computed, signal } from "@preact/signals";
import { jobs as api, type Job } from "./api";

const MAX_STREAMS = 2;
const LOOK_MS = 10_000;

export const list = signal<Job[] | null>(null);
export const moving = (job: Job) => job.state === "queued" || job.state === "running";
export const active = computed(() => (list.value ?? []).filter(moving).reverse());

/** Counts up each time a job ends: what it changed is to be read again. */
export const ended = signal(0);

const streams = new Map<string, EventSource>();
const waiting = new Map<string, ((job: Job) => void)[]>();

function put(job: Job): void {
  const before = list.value ?? [];
  const known = before.some((j) => j.id === job.id);
  list.value = known ? before.map((j) => (j.id === job.id ? job : j)) : [job, ...before];
}

function finish(job: Job): void {
  ended.value++;
  for (const tell of waiting.get(job.id) ?? []) tell(job);
  waiting.delete(job.id);
}

function watch(job: Job): void {
  const stream = api.events(job.id);
  const hear = (event: MessageEvent<string>) => JSON.parse(event.data) as Job;
  const stop = () => {
    stream.close();
    streams.delete(job.id);
  };
  streams.set(job.id, stream);
  stream.addEventListener("progress", (event) => put(hear(event)));
  stream.addEventListener("end", (event) => {
    stop();
    const last = hear(event);
    put(last);
    finish(last);
    void look();
  });
  // The server went away or was started again; the next look says which.
  stream.onerror = stop;
}

export async function look(): Promise<void> {
  try {
    const before = list.value;
    const { jobs } = await api.list();
    list.value = jobs;
    for (const job of jobs) {
      const was = before?.find((j) => j.id === job.id);
      if (!moving(job) && (was ? moving(was) : waiting.has(job.id)) && !streams.has(job.id)) finish(job);
      if (job.state === "running" && !streams.has(job.id) && streams.size < MAX_STREAMS) watch(job);
    }
    // Those in line start within a moment; then they are streamed.
    if (jobs.some((j) => j.state === "queued")) setTimeout(() => void look(), 1000);
  } catch {
    // Pages that need the server say so themselves.
  }
}

/** Shows a job that was just made; `then` is called when it is over. */
export function follow(id: string, then?: (job: Job) => void): void {
  if (then) waiting.set(id, [...(waiting.get(id) ?? []), then]);
  void look();
}

export async function cancel(id: string): Promise<void> {
  put(await api.cancel(id));
  void look();
}

export function begin(): void {
  void look();
  setInterval(() => {
    if (document.visibilityState === "visible") void look();
  }, LOOK_MS);
}
