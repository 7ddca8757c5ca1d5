// SPDX-License-Identifier: MIT
// The address holds the whole state: a path, which is the page, and values.
import { computed, signal } from "@preact/signals";

export type Page = "home" | "search" | "recording" | "map" | "labels" | "extract" | "jobs";

// As src/server/assets.c has them.
const paths: Record<string, Page> = {
  "/": "home",
  "/search": "search",
  "/recording": "recording",
  "/map": "map",
  "/labels": "labels",
  "/extract": "extract",
  "/jobs": "jobs",
};

export type Values = Record<string, string | number | null | undefined>;

const here = signal(location.pathname + location.search);

window.addEventListener("popstate", () => {
  here.value = location.pathname + location.search;
});

export const page = computed<Page>(() => paths[here.value.split("?")[0] ?? "/"] ?? "home");
export const values = computed(() => new URLSearchParams(here.value.split("?")[1] ?? ""));
export const inUse = computed(() => values.value.get("in") ?? "");

/** An address: what is empty is left out. */
export function address(path: string, given: Values = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(given))
    if (value !== null && value !== undefined && value !== "") params.set(name, String(value));
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

/** The address of now, with some values changed. */
export function changed(changes: Values): string {
  const all: Values = Object.fromEntries(values.value);
  return address(here.value.split("?")[0] ?? "/", { ...all, ...changes });
}

export function go(to: string, replace = false): void {
  if (to === here.value) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  here.value = to;
}

/** For links: those within the application load nothing. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || event.defaultPrevented || event.button !== 0 || link.target || link.download) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || !(to.pathname in paths)) return;
  event.preventDefault();
  go(to.pathname + to.search);
}
