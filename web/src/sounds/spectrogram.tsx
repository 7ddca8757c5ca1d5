// SPDX-License-Identifier: MIT
// A spectrogram: levels from the server, colours from here, so that a choice of
// colours or of a range asks for nothing again.
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../base/api";
import { moment } from "../base/format";
import { kept } from "../base/kept";

export const palette = kept<"colour" | "grey">("palette", "colour");
export const axis = kept<"mel" | "linear">("axis", "mel");
export const range = kept<number>("range", 100);

const stops = [
  [13, 8, 28], [49, 24, 92], [56, 66, 130], [43, 105, 138], [33, 142, 134], [62, 180, 108], [160, 214, 66], [252, 236, 90],
];

function colour(level: number): [number, number, number] {
  if (palette.value === "grey") {
    const g = Math.round(250 - 240 * level);
    return [g, g, g];
  }
  const x = level * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(x));
  const [a, b] = [stops[i]!, stops[i + 1]!];
  const mix = (k: number) => Math.round(a[k]! + (b[k]! - a[k]!) * (x - i));
  return [mix(0), mix(1), mix(2)];
}

export interface Levels {
  bytes: Uint8Array;
  width: number;
  height: number;
  floorDb: number;
  minHz: number;
  maxHz: number;
  start: number;
  end: number;
}

async function get(url: string, signal: AbortSignal): Promise<Levels> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Problem(response.status, "The recording cannot be read.", "", await response.text());
  const number = (name: string) => Number(response.headers.get(name));
  return {
    bytes: new Uint8Array(await response.arrayBuffer()),
    width: number("X-Width"),
    height: number("X-Height"),
    floorDb: number("X-Floor-Db"),
    minHz: number("X-Min-Hz"),
    maxHz: number("X-Max-Hz"),
    start: number("X-Start"),
    end: number("X-End"),
  };
}

function draw(canvas: HTMLCanvasElement, levels: Levels): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  canvas.width = levels.width;
  canvas.height = levels.height;
  // Level 0 is the floor; of a smaller range more of what is faint is dark.
  const span = -levels.floorDb || 80;
  const table = Array.from({ length: 256 }, (_, i) => {
    const db = (i / 255 - 1) * span;
    return colour(Math.max(0, 1 + db / Math.min(range.value, span)));
  });
  const image = context.createImageData(levels.width, levels.height);
  for (let i = 0; i < levels.bytes.length; i++) image.data.set([...table[levels.bytes[i]!]!, 255], i * 4);
  context.putImageData(image, 0, 0);
}

const mel = (hz: number) => 2595 * Math.log10(1 + hz / 700);

/** Where a frequency is, from the bottom, 0 to 1. */
export function placeOf(hz: number, l: Levels): number {
  if (axis.value === "linear") return (hz - l.minHz) / (l.maxHz - l.minHz);
  return (mel(hz) - mel(l.minHz)) / (mel(l.maxHz) - mel(l.minHz));
}

function hzAt(place: number, l: Levels): number {
  if (axis.value === "linear") return l.minHz + place * (l.maxHz - l.minHz);
  const m = mel(l.minHz) + place * (mel(l.maxHz) - mel(l.minHz));
  return 700 * (10 ** (m / 2595) - 1);
}

const khz = (hz: number) => (hz >= 10_000 ? Math.round(hz / 1000) : Number((hz / 1000).toFixed(1)));

// Their words are drawn by the style: a spectrogram may be within a button, whose
// name they are no part of.
function Ticks({ levels }: { levels: Levels }) {
  let last = -1;
  const all = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000].filter((hz) => {
    const at = placeOf(hz, levels);
    const fits = hz < levels.maxHz && at > 0.12 && at < 0.96 && at - last > 0.13;
    if (fits) last = at;
    return fits;
  });
  return (
    <div class="ticks" aria-hidden="true">
      {all.map((hz) => (
        <span key={hz} data-text={khz(hz)} style={{ bottom: `${placeOf(hz, levels) * 100}%` }} />
      ))}
      <em data-text="kHz" />
    </div>
  );
}

export function Spectrogram(p: {
  url: string; // of what has it, without "/spectrogram"
  query?: Record<string, string | number>;
  width: number;
  height: number;
  cursor: number | null;
  spans?: { start: number; end: number }[];
  pick?: (start: number, end: number) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [levels, setLevels] = useState<Levels | null>(null);
  const [error, setError] = useState("");
  const [hover, setHover] = useState<{ x: number; y: number } | null>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const asked = new URLSearchParams({ ...p.query, width: String(p.width), height: String(p.height), axis: axis.value } as Record<string, string>);
  const url = `${p.url}/spectrogram?${asked}`;
  useEffect(() => {
    const abort = new AbortController();
    setError("");
    get(url, abort.signal).then(setLevels, (e: Error) => !abort.signal.aborted && setError(e.message));
    return () => abort.abort();
  }, [url]);
  const look = `${palette.value} ${range.value}`;
  useEffect(() => {
    if (canvas.current && levels) draw(canvas.current, levels);
  }, [levels, look]);
  const place = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const within = (x: number) => Math.min(1, Math.max(0, x));
    return { x: within((event.clientX - box.left) / box.width), y: within(1 - (event.clientY - box.top) / box.height) };
  };
  const time = (x: number) => (levels ? levels.start + x * (levels.end - levels.start) : 0);
  const part = (t: number) => (levels ? ((t - levels.start) / (levels.end - levels.start)) * 100 : 0);
  const spans = drag ? [{ start: time(Math.min(...drag)), end: time(Math.max(...drag)) }] : (p.spans ?? []);
  return (
    <div class="spectrogram">
      {levels && <Ticks levels={levels} />}
      <div
        class={`levels ${p.pick ? "can-pick" : ""}`}
        style={{ height: `${p.height}px` }}
        onPointerMove={(event) => {
          const at = place(event);
          setHover(at);
          if (drag) setDrag([drag[0], at.x]);
        }}
        onPointerLeave={() => setHover(null)}
        onPointerDown={(event) => {
          if (!p.pick) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const { x } = place(event);
          setDrag([x, x]);
        }}
        onPointerUp={() => {
          if (drag && p.pick && Math.abs(drag[1] - drag[0]) > 0.01) p.pick(time(Math.min(...drag)), time(Math.max(...drag)));
          setDrag(null);
        }}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {error && <p class="unseen">{error}</p>}
        {spans.map((s) => (
          <i key={s.start} class="span" style={{ left: `${part(s.start)}%`, width: `${part(s.end) - part(s.start)}%` }} />
        ))}
        {p.cursor !== null && <i class="cursor" style={{ left: `${p.cursor * 100}%` }} />}
        {hover && levels && (
          <span
            class="at"
            data-text={`${moment(time(hover.x))} · ${(hzAt(hover.y, levels) / 1000).toFixed(2)} kHz`}
          />
        )}
      </div>
    </div>
  );
}
