// SPDX-License-Identifier: MIT
// Keys: each page says what its keys do; Escape closes what was opened last.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Key {
  keys: string[]; // as KeyboardEvent.key has them
  shown: string;
  does: string;
  run: (event: KeyboardEvent) => void;
}

interface Layer {
  keys: () => Key[];
  alone: boolean; // a dialog: what lies below hears nothing
}

const layers: Layer[] = [];
const closers: (() => void)[] = [];

/** Raised when the layers change, for the list of keys. */
export const layersVersion = signal(0);

export function shownKeys(): Key[] {
  return layers.filter((l) => !l.alone).flatMap((l) => l.keys());
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.("input:not([type=range],[type=checkbox]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key === "Escape") {
    if (isTyping(event.target) && !closers.length) (event.target as HTMLElement).blur();
    const close = closers.at(-1);
    if (close) {
      event.preventDefault();
      close();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  for (let i = layers.length - 1; i >= 0; i--) {
    const layer = layers[i];
    if (!layer) continue;
    const found = layer.keys().find((k) => k.keys.includes(event.key));
    if (found) {
      event.preventDefault();
      found.run(event);
      return;
    }
    if (layer.alone) return;
  }
});

/** Keys while the component is shown. */
export function useKeys(keys: Key[], alone = false): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const layer: Layer = { keys: () => latest.current, alone };
    layers.push(layer);
    layersVersion.value++;
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      layersVersion.value++;
    };
  }, []);
}

/** What Escape does while `open`. */
export function useEscape(open: boolean, close: () => void): void {
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => {
    if (!open) return;
    const own = () => latest.current();
    closers.push(own);
    return () => {
      closers.splice(closers.indexOf(own), 1);
    };
  }, [open]);
}
