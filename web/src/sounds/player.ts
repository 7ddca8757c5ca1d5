// SPDX-License-Identifier: MIT
// One sound at a time, with how far it is.
import { signal } from "@preact/signals";

/** What plays: its address, and the part of it that was heard, 0 to 1. */
export const playing = signal<{ url: string; at: number } | null>(null);
export const failed = signal<string | null>(null);

let sound: HTMLAudioElement | null = null;
const loaded = new Map<string, HTMLAudioElement>();

/** So that it starts at once when it is asked for. */
export function prepare(url: string): HTMLAudioElement {
  const known = loaded.get(url);
  if (known) return known;
  const made = new Audio(url);
  made.preload = "auto";
  loaded.set(url, made);
  for (const old of loaded.keys()) if (loaded.size > 8 && old !== playing.value?.url) loaded.delete(old);
  return made;
}

export function stop(): void {
  sound?.pause();
  sound = null;
  playing.value = null;
}

function follow(url: string): void {
  if (!sound || playing.value?.url !== url) return;
  playing.value = { url, at: sound.duration ? sound.currentTime / sound.duration : 0 };
  requestAnimationFrame(() => follow(url));
}

/** Plays, or stops if it plays already. */
export function toggle(url: string): void {
  const again = playing.value?.url === url;
  stop();
  if (again) return;
  sound = prepare(url);
  sound.currentTime = 0;
  sound.onended = stop;
  failed.value = null;
  playing.value = { url, at: 0 };
  const own = sound;
  own.play().then(
    () => follow(url),
    (error: Error) => {
      if (sound !== own || error.name === "AbortError") return;
      stop();
      failed.value = "The sound cannot be played: its recording may have been moved.";
    },
  );
}
