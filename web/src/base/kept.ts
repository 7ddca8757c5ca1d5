// SPDX-License-Identifier: MIT
// What this browser keeps: choices and marks in its local storage, pictures that
// were searched by in a database of its own. Nothing of it leaves the machine.
import { effect, signal, type Signal } from "@preact/signals";

export function read<T>(name: string, fallback: T): T {
  try {
    const text = localStorage.getItem("akin." + name);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

export function write(name: string, value: unknown): void {
  try {
    localStorage.setItem("akin." + name, JSON.stringify(value));
  } catch {
    // Full, or forbidden: then it lasts as long as the page.
  }
}

/** A signal that is as it was left. */
export function kept<T>(name: string, fallback: T): Signal<T> {
  const value = signal(read(name, fallback));
  effect(() => write(name, value.value));
  return value;
}

export type Theme = "system" | "light" | "dark";
export const theme = kept<Theme>("theme", "system");
effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

// ---- pictures of queries

const pictures = new Map<string, Blob>();

function store(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("akin", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("queries");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Keeps a file that is searched by; the name stands for it in addresses. */
export async function keepFile(file: Blob): Promise<string> {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  const name = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  pictures.set(name, file);
  try {
    const db = await store();
    db.transaction("queries", "readwrite").objectStore("queries").put(file, name);
    db.close();
  } catch {
    // It lasts as long as the page then.
  }
  return name;
}

export async function keptFile(name: string): Promise<Blob | null> {
  const here = pictures.get(name);
  if (here) return here;
  try {
    const db = await store();
    const found = await new Promise<Blob | undefined>((resolve, reject) => {
      const request = db.transaction("queries").objectStore("queries").get(name);
      request.onsuccess = () => resolve(request.result as Blob | undefined);
      request.onerror = () => reject(request.error);
    });
    db.close();
    if (found) pictures.set(name, found);
    return found ?? null;
  } catch {
    return null;
  }
}

export function asBase64(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^data:[^,]*,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
