// SPDX-License-Identifier: MIT
// The canvas of a map: moved by a drag, zoomed by the wheel, two fingers or keys; the
// nearest point is told, and what lies within a lasso.
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../base/keys";
import { theme } from "../base/kept";
import { table } from "./colours";
import { Drawing, type View } from "./drawing";
import { inside, nearest, type Points } from "./points";

const REACH = 24; // px from the pointer to a point
const MOST = 20_000; // times larger than all of it
const dark = matchMedia("(prefers-color-scheme: dark)");

export interface Handle {
  zoom: (by: number) => void;
  fit: () => void;
  inView: () => number[];
}

interface ChartOf {
  points: Points;
  by: string;
  looks: Uint8Array;
  anyMarked: boolean;
  at: number; // the point that is told of, or -1
  label: string;
  handle: RefObject<Handle | null>;
  hover: (i: number) => void;
  step: (i: number) => void; // by the keyboard
  pick: (i: number) => void; // -1: nothing was there
  lasso: (found: number[]) => void;
  failed: (error: unknown) => void;
}

export function Chart(p: ChartOf) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const view = useRef<View>({ x: 0, y: 0, scale: 1 });
  const size = useRef({ width: 0, height: 0, fit: 1 });
  const fitted = useRef(true); // as long as nothing was moved
  const due = useRef(0);
  const touches = useRef(new Map<number, { x: number; y: number }>());
  const went = useRef(0); // how far the pointer was dragged, px
  const lasso = useRef<number[] | null>(null);
  const [drawn, setDrawn] = useState<number[] | null>(null);
  const [ring, setRing] = useState<{ x: number; y: number } | null>(null);
  const { points } = p;
  const latest = useRef(p);
  latest.current = p;

  const toRing = () => {
    const { width, height } = size.current;
    const { at: i, points: { places } } = latest.current;
    const { x, y, scale } = view.current;
    setRing(i < 0 ? null : { x: width / 2 + (places[2 * i]! - x) * scale, y: height / 2 + (places[2 * i + 1]! - y) * scale });
  };
  const draw = () => {
    if (due.current) return;
    due.current = requestAnimationFrame(() => {
      due.current = 0;
      const { width, height, fit } = size.current;
      if (!width || !height) return;
      drawing.current?.draw(view.current, fit, width, height, Math.min(2, devicePixelRatio || 1));
      toRing();
    });
  };
  const toFit = () => {
    const { grid } = latest.current.points;
    const [w, h] = [grid.across * grid.cell, grid.down * grid.cell];
    const { width, height } = size.current;
    const scale = Math.max(1e-9, Math.min((width - 48) / w, (height - 48) / h));
    size.current.fit = scale;
    view.current = { x: grid.x + w / 2, y: grid.y + h / 2, scale };
    fitted.current = true;
    draw();
  };
  const zoomAt = (x: number, y: number, by: number) => {
    const v = view.current;
    const { width, height, fit } = size.current;
    const scale = Math.max(fit / 2, Math.min(fit * MOST, v.scale * by));
    const [dx, dy] = [x - width / 2, y - height / 2];
    view.current = { x: v.x + dx / v.scale - dx / scale, y: v.y + dy / v.scale - dy / scale, scale };
    fitted.current = false;
    draw();
  };
  const zoom = (by: number) => {
    const { width, height } = size.current;
    zoomAt(width / 2, height / 2, by);
  };
  const move = (dx: number, dy: number) => {
    const v = view.current;
    view.current = { x: v.x - dx / v.scale, y: v.y - dy / v.scale, scale: v.scale };
    fitted.current = false;
    draw();
  };
  const place = (x: number, y: number): [number, number] => {
    const { width, height } = size.current;
    return [view.current.x + (x - width / 2) / view.current.scale, view.current.y + (y - height / 2) / view.current.scale];
  };
  const pointAt = (x: number, y: number) => nearest(latest.current.points, ...place(x, y), REACH / view.current.scale);
  p.handle.current = {
    zoom,
    fit: toFit,
    inView: () => {
      const { width, height } = size.current;
      return inside(points, [...place(0, 0), ...place(width, 0), ...place(width, height), ...place(0, height)]);
    },
  };

  useEffect(() => {
    const element = canvas.current!;
    try {
      drawing.current = new Drawing(element, points.places);
    } catch (error) {
      p.failed(error);
      return;
    }
    const resize = () => {
      const box = element.getBoundingClientRect();
      size.current = { ...size.current, width: box.width, height: box.height };
      if (fitted.current) toFit();
      draw();
    };
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    resize();
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const lines = event.deltaMode === 1 ? 16 : 1;
      const delta = Math.max(-120, Math.min(120, event.deltaY * lines));
      zoomAt(event.clientX - box.left, event.clientY - box.top, Math.exp(-delta * (event.ctrlKey ? 0.01 : 0.002)));
    };
    const lost = (event: Event) => {
      if (!drawing.current) return;
      event.preventDefault();
      p.failed(new Error("The graphics of this machine let the map go. Load the page again."));
    };
    element.addEventListener("wheel", wheel, { passive: false });
    element.addEventListener("webglcontextlost", lost);
    return () => {
      observer.disconnect();
      element.removeEventListener("wheel", wheel);
      cancelAnimationFrame(due.current);
      due.current = 0;
      const last = drawing.current;
      drawing.current = null;
      last?.end();
    };
  }, [points]);
  useEffect(() => {
    drawing.current?.setLooks(p.looks, p.anyMarked);
    draw();
  }, [points, p.looks, p.anyMarked]);
  const chosen = theme.value;
  useEffect(() => {
    const paint = () => {
      drawing.current?.setColours(table(p.by, chosen === "dark" || (chosen === "system" && dark.matches)));
      draw();
    };
    paint();
    dark.addEventListener("change", paint);
    return () => dark.removeEventListener("change", paint);
  }, [points, p.by, chosen]);
  useEffect(() => {
    // What the keyboard came to is brought into sight.
    const { width, height } = size.current;
    const i = p.at;
    if (i >= 0 && document.activeElement === canvas.current && touches.current.size === 0) {
      const x = (points.places[2 * i]! - view.current.x) * view.current.scale;
      const y = (points.places[2 * i + 1]! - view.current.y) * view.current.scale;
      const out = (d: number, half: number) => (Math.abs(d) > half - 16 ? -Math.sign(d) * (Math.abs(d) - half / 2) : 0);
      const [dx, dy] = [out(x, width / 2), out(y, height / 2)];
      if (dx || dy) move(dx, dy);
    }
    toRing();
  }, [p.at]);

  const step = (key: string) => {
    if (p.at < 0) {
      const { x, y } = view.current;
      p.step(nearest(points, x, y, Infinity));
      return;
    }
    const [x, y] = [points.places[2 * p.at]!, points.places[2 * p.at + 1]!];
    const across = key === "ArrowLeft" || key === "ArrowRight";
    const sign = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
    const least = 3 / view.current.scale; // so that a dense place is crossed
    const fits = (dx: number, dy: number) => {
      const [along, aside] = across ? [dx * sign, dy] : [dy * sign, dx];
      return along > least && Math.abs(aside) <= along;
    };
    const i = nearest(points, x, y, Infinity, fits);
    if (i >= 0) p.step(i);
  };
  useKeys([
    { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: "← → ↑ ↓", does: "the next point that way", run: (e) => step(e.key) },
    { keys: ["+", "="], shown: "+", does: "nearer", run: () => zoom(1.5) },
    { keys: ["-", "_"], shown: "-", does: "further away", run: () => zoom(1 / 1.5) },
    { keys: ["0"], shown: "0", does: "all of the map", run: toFit },
  ]);

  const local = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    canvas.current?.setPointerCapture(event.pointerId);
    const at = local(event);
    touches.current.set(event.pointerId, at);
    if (touches.current.size === 1) {
      went.current = 0;
      lasso.current = event.shiftKey ? [at.x, at.y] : null;
    } else {
      went.current = Infinity; // two fingers choose nothing
      lasso.current = null;
      setDrawn(null);
    }
  };
  const moved = (event: PointerEvent) => {
    const at = local(event);
    const before = touches.current.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") p.hover(pointAt(at.x, at.y));
      return;
    }
    const others = [...touches.current].filter(([id]) => id !== event.pointerId).map(([, o]) => o);
    went.current += Math.hypot(at.x - before.x, at.y - before.y);
    if (lasso.current) {
      const line = lasso.current;
      if (Math.hypot(at.x - line.at(-2)!, at.y - line.at(-1)!) > 3) {
        line.push(at.x, at.y);
        setDrawn([...line]);
      }
    } else if (others[0]) {
      const o = others[0];
      const [was, is] = [Math.hypot(before.x - o.x, before.y - o.y), Math.hypot(at.x - o.x, at.y - o.y)];
      move((at.x - before.x) / 2, (at.y - before.y) / 2);
      if (was > 8 && is > 8) zoomAt((at.x + o.x) / 2, (at.y + o.y) / 2, is / was);
    } else if (went.current > 3) move(at.x - before.x, at.y - before.y);
    touches.current.set(event.pointerId, at);
  };
  const up = (event: PointerEvent) => {
    if (!touches.current.delete(event.pointerId)) return;
    const line = lasso.current;
    lasso.current = null;
    setDrawn(null);
    if (event.type === "pointercancel") return;
    const at = local(event);
    if (line && line.length >= 6) {
      const polygon: number[] = [];
      for (let k = 0; k < line.length; k += 2) polygon.push(...place(line[k]!, line[k + 1]!));
      p.lasso(inside(points, polygon));
    } else if (went.current <= 3) p.pick(pointAt(at.x, at.y));
  };
  return (
    <div class="map-chart">
      <canvas
        ref={canvas}
        role="application"
        aria-label={p.label}
        tabIndex={0}
        onPointerDown={down}
        onPointerMove={moved}
        onPointerUp={up}
        onPointerCancel={up}
        onPointerLeave={() => touches.current.size === 0 && p.hover(-1)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || p.at < 0) return;
          event.preventDefault();
          p.pick(p.at);
        }}
      />
      <svg class="map-over" aria-hidden="true">
        {drawn && <polygon points={drawn.join(" ")} />}
        {ring && <circle cx={ring.x} cy={ring.y} r="7" />}
      </svg>
    </div>
  );
}
