// SPDX-License-Identifier: MIT
// The map of a database: all windows, near one another where they are alike.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { databases, type Database } from "../base/api";
import { currentDatabase, databases as all } from "../base/collections";
import { count, counted } from "../base/format";
import { active, follow } from "../base/jobs";
import { kept } from "../base/kept";
import { useEscape, useKeys } from "../base/keys";
import * as marks from "../base/marks";
import { address, go, inUse } from "../base/router";
import { Bar, Button, Empty, Failure } from "../parts/ui";
import { failed, stop, toggle } from "../sounds/player";
import { Card, soundOf } from "./card";
import { Chart, type Handle } from "./chart";
import { colourOf, css } from "./colours";
import { getColours, getPoints, type Colours, type Points } from "./points";

const MOST_MARKED = 10_000; // at a time
const narrow = matchMedia("(max-width: 760px)");
const AT_ONCE = 100; // windows whose names are asked for together
const colouring = kept("map.by", "label");

/** Marks with the names and times of their windows. */
async function marksFor(db: string, ids: number[]): Promise<marks.Mark[]> {
  const found: marks.Mark[] = [];
  for (let i = 0; i < ids.length; i += AT_ONCE) {
    const filter = ids.slice(i, i + AT_ONCE).map((id) => `id = ${id}`).join(" or ");
    const { windows } = await databases.windows(db, { filter, limit: String(AT_ONCE) });
    for (const w of windows)
      found.push({ id: String(w.window_id), view: `${w.start}-${w.end}`, url: w.recording, similarity: null });
  }
  return found;
}

function Legend({ by, colours, n }: { by: string; colours: Colours; n: number }) {
  const used = colours.legend.filter((l) => l.count > 0);
  const shown = by === "time" ? used : used.slice(0, narrow.matches ? 5 : 12);
  const sum = (all: Colours["legend"]) => all.reduce((s, l) => s + l.count, 0);
  const more = used.slice(shown.length);
  const rest = n - sum(used);
  return (
    <ul class={`legend ${by === "time" ? "hours" : ""}`} aria-label="Legend">
      {shown.map((l) => (
        <li key={l.code} title={`${l.name}: ${count(l.count)}`}>
          <i style={{ background: css(colourOf(by, l.code)) }} />
          <span>{by === "time" ? `${l.name} h` : l.name}</span>
          <span class="muted numbers">{count(l.count)}</span>
        </li>
      ))}
      {more.length > 0 && (
        <li>
          <i />
          <span>{count(more.length)} more</span>
          <span class="muted numbers">{count(sum(more))}</span>
        </li>
      )}
      {rest > 0 && (
        <li>
          <i class="none" />
          <span>no {by}</span>
          <span class="muted numbers">{count(rest)}</span>
        </li>
      )}
    </ul>
  );
}

function Marked({ db, pictures, failed: fail }: { db: string; pictures: boolean; failed: (error: unknown) => void }) {
  const own = marks.marksOf(db);
  if (!own.length) return null;
  const rows = own.map((m) => [db, m.id, m.view, m.url, m.similarity]);
  const save = async () => {
    const zip = await databases.zip(db, own.map((m) => Number(m.id)));
    marks.download(pictures ? "pictures.zip" : "sounds.zip", zip);
  };
  return (
    <div class="map-marked" role="region" aria-label="Marked">
      <strong class="numbers">{count(own.length)} marked</strong>
      <span class="space" />
      <Button kind="quiet" onClick={() => marks.clear(db)}>
        Clear
      </Button>
      <Button
        kind="quiet"
        onClick={() => marks.download("marked.csv", marks.csv(["database", "window", "seconds", "recording", "score"], rows))}
      >
        Export CSV
      </Button>
      <Button icon="download" onClick={() => void save().catch(fail)}>
        Export {pictures ? "pictures" : "sounds"}
      </Button>
    </div>
  );
}

function Shown({ db, points, make }: { db: Database; points: Points; make: () => void }) {
  const [colours, setColours] = useState<Colours | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [at, setAt] = useState(-1);
  const [pinned, setPinned] = useState(false);
  const [said, setSaid] = useState("");
  const chart = useRef<Handle | null>(null);
  const by = colouring.value;
  const pictures = db.modality === "image";
  const own = marks.marksOf(db.id);
  useEffect(() => {
    setColours(null);
    if (by === "none") return;
    const abort = new AbortController();
    getColours(db.id, by, abort.signal).then(setColours, (e) => !abort.signal.aborted && setError(e));
    return () => abort.abort();
  }, [db.id, by, points]);
  useEffect(() => stop, []);
  const looks = useMemo(() => {
    const bytes = new Uint8Array(4 * points.n);
    const marked = new Set(own.map((m) => Number(m.id)));
    for (let i = 0; i < points.n; i++) {
      bytes[4 * i] = colours?.codes[i] ?? 0;
      bytes[4 * i + 1] = marked.has(points.ids[i]!) ? 1 : 0;
    }
    return bytes;
  }, [points, colours, own]);
  const id = at >= 0 ? points.ids[at]! : null;
  const close = () => {
    setAt(-1);
    setPinned(false);
  };
  const pin = (i: number) => {
    setAt(i);
    setPinned(i >= 0);
  };
  useEscape(at >= 0, close);
  const add = async (found: number[]) => {
    if (found.length > MOST_MARKED) {
      setSaid(`${counted(found.length, "window")} are too many to mark: ${count(MOST_MARKED)} at a time.`);
      return;
    }
    const more = await marksFor(db.id, found.map((i) => points.ids[i]!));
    marks.add(db.id, more);
    setSaid(`${counted(more.length, "window")} marked.`);
  };
  const mark = async () => {
    if (id === null) return;
    const [one] = await marksFor(db.id, [id]);
    if (one) marks.toggle(db.id, one);
  };
  useKeys([
    {
      keys: [" "],
      shown: "Space",
      does: "play, or stop",
      run: (e) => {
        const button = (e.target as HTMLElement).closest<HTMLElement>("button, a");
        if (button) button.click();
        else if (id !== null && !pictures) toggle(soundOf(db.id, id));
      },
    },
    { keys: ["f", "F"], shown: "F", does: "find similar", run: () => id !== null && go(address("/search", { in: db.id, like: id })) },
    { keys: ["x", "X"], shown: "X", does: "mark, or take the mark away", run: () => void mark().catch(setError) },
    { keys: ["a", "A"], shown: "A", does: "mark all that is in view", run: () => void add(chart.current?.inView() ?? []).catch(setError) },
    { keys: ["z", "Z"], shown: "Z", does: "undo the last mark", run: () => setSaid(marks.undo() ? "Undone." : "Nothing to undo.") },
  ]);
  return (
    <div class="map">
      <div class="map-head">
        <label class="inline">
          <span class="muted">colour by</span>
          <select value={by} onChange={(e) => (colouring.value = e.currentTarget.value)}>
            <option>label</option>
            <option>recording</option>
            <option>time</option>
            <option>none</option>
          </select>
        </label>
        <Button kind="quiet" icon="plus" label="Nearer" shortcut="+" onClick={() => chart.current?.zoom(1.5)} />
        <Button kind="quiet" icon="minus" label="Further away" shortcut="-" onClick={() => chart.current?.zoom(1 / 1.5)} />
        <Button kind="quiet" shortcut="0" onClick={() => chart.current?.fit()}>
          Fit
        </Button>
        <p class="said" role="status">
          {said || counted(points.n, "window")}
          {!said && <span class="wide-only"> · Shift and drag marks those inside</span>}
        </p>
        {points.stale && (
          <div class="notice">
            <span>Windows came or went since this map was made.</span>
            <Button onClick={make}>Make it anew</Button>
          </div>
        )}
        {error !== null && <Failure error={error} again={() => setError(null)} />}
        {failed.value && <Failure error={new Error(failed.value)} />}
      </div>
      <div class="map-body">
        <Chart
          points={points}
          by={by}
          looks={looks}
          anyMarked={own.length > 0}
          at={at}
          label={`Map of ${counted(points.n, "window")}: arrow keys go from point to point, Enter ${pictures ? "chooses" : "plays"}`}
          handle={chart}
          hover={(i) => !pinned && (i >= 0 || at < 0) && setAt(i)}
          step={pin}
          pick={(i) => {
            pin(i);
            if (i >= 0 && !pictures) toggle(soundOf(db.id, points.ids[i]!));
          }}
          lasso={(found) => void add(found).catch(setError)}
          failed={setError}
        />
        {by !== "none" && colours && <Legend by={by} colours={colours} n={points.n} />}
        {id !== null && (
          <Card db={db} id={id} marked={marks.isMarked(db.id, String(id))} mark={() => void mark().catch(setError)} close={close} />
        )}
      </div>
      <Marked db={db.id} pictures={pictures} failed={setError} />
    </div>
  );
}

/** The map, or what makes it. */
function MapOf({ db }: { db: Database }) {
  const [points, setPoints] = useState<Points | null | undefined>(undefined);
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  const [asked, setAsked] = useState(false);
  const again = () => {
    setPoints(undefined);
    setTurn((t) => t + 1);
  };
  const job = active.value.find((j) => j.kind === "map" && j.target.startsWith(`${db.path} (`));
  useEffect(() => {
    const abort = new AbortController();
    getPoints(db.id, abort.signal).then(setPoints, (e) => !abort.signal.aborted && setError(e));
    return () => abort.abort();
  }, [db.id, turn]);
  const watched = useRef(new Set<string>());
  const watch = (id: string) => {
    if (watched.current.has(id)) return;
    watched.current.add(id);
    follow(id, (done) => {
      setAsked(false);
      if (done.state === "failed") setError(new Error(done.error ?? "The map could not be made."));
      else again();
    });
  };
  useEffect(() => {
    if (job) watch(job.id);
  }, [job?.id]);
  const make = () => {
    setError(null);
    setAsked(true);
    databases.makeMap(db.id).then(
      (made) => watch(made.job_id),
      (e) => {
        setAsked(false);
        setError(e);
      },
    );
  };
  if (error !== null)
    return (
      <div class="page">
        <Failure
          error={error}
          again={() => {
            setError(null);
            again();
          }}
        />
      </div>
    );
  if (job || asked)
    return (
      <Empty
        icon="map"
        title="The map is being made"
        action={<Bar fraction={job?.fraction ?? 0} label="The map is being made" />}
      />
    );
  if (points === undefined) return <div class="map" aria-busy="true" />;
  if (!points || points.n === 0)
    return (
      <Empty
        icon="map"
        title="No map yet"
        action={
          <Button kind="main" onClick={make}>
            Make the map
          </Button>
        }
      >
        A map lays out all windows so that those that are alike lie near one another.
      </Empty>
    );
  return <Shown db={db} points={points} make={make} />;
}

export function MapPage() {
  const db = currentDatabase.value;
  if (db && !db.problem) return <MapOf key={db.id} db={db} />;
  if (inUse.value && all.value === null) return <div class="map" aria-busy="true" />;
  return (
    <Empty
      icon="map"
      title="No map here"
      action={
        <a class="button main" href={address("/", { in: inUse.value })}>
          Go to home
        </a>
      }
    >
      Databases have maps; choose one at the top, or at home.
    </Empty>
  );
}
