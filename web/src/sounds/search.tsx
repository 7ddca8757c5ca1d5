// SPDX-License-Identifier: MIT
// Searching a database: by a file, a window, a region of either, or words; results as
// cards to be heard, or seen where it is one of pictures, marked and labelled by the
// keyboard.
import { useEffect, useRef, useState } from "preact/hooks";
import { databases, media, type Database, type Window } from "../base/api";
import { count, counted, moment, score, when } from "../base/format";
import { useKeys } from "../base/keys";
import { kept } from "../base/kept";
import * as marks from "../base/marks";
import { changed, go, values } from "../base/router";
import { Icon } from "../parts/icon";
import { Button, Empty, Failure, Pager, useWidth } from "../parts/ui";
import { failed, playing, prepare, stop, toggle } from "./player";
import { axis, palette, range, Spectrogram } from "./spectrogram";

const PAGE = 20;
const label = kept("label", "");
const noQuery = { q: null, like: null, upload: null, name: null, start: null, end: null };

interface Question {
  text: string;
  like: string;
  upload: string;
  name: string;
  start: number | null;
  end: number | null;
  filter: string;
  by: string;
  page: number;
}

function read(params: URLSearchParams): Question {
  const get = (name: string) => params.get(name) ?? "";
  const number = (name: string) => (params.has(name) && Number.isFinite(Number(get(name))) ? Number(get(name)) : null);
  return {
    text: get("q"),
    like: get("like"),
    upload: get("upload"),
    name: get("name"),
    start: number("start"),
    end: number("end"),
    filter: get("filter"),
    by: get("by"),
    page: Math.max(1, Math.floor(number("page") ?? 1)),
  };
}

const isSearch = (q: Question) => !!(q.text || q.like || q.upload);

interface Found {
  windows: Window[];
  total: number | null;
  spans: { start: number; end: number }[];
  searched: number;
}

async function find(db: string, q: Question, signal: AbortSignal): Promise<Found> {
  const offset = (q.page - 1) * PAGE;
  if (!isSearch(q)) {
    const query: Record<string, string> = { limit: String(PAGE), offset: String(offset) };
    if (q.filter) query.filter = q.filter;
    const { windows, total } = await databases.windows(db, query, signal);
    return { windows, total, spans: [], searched: 0 };
  }
  const body: Record<string, unknown> = { n: PAGE, offset };
  if (q.filter) body.filter = q.filter;
  if (q.by) body.score_function = q.by;
  if (q.text) body.text = q.text;
  else if (q.like) body.window = Number(q.like);
  else {
    body.upload = q.upload;
    if (q.start !== null && q.end !== null) Object.assign(body, { start: q.start, end: q.end });
  }
  const answer = await databases.search(db, body, signal);
  return { windows: answer.results, total: null, spans: answer.query.spans ?? [], searched: answer.searched };
}

const hasPictures = (db: Database) => db.modality === "image";
const pictureOf = (url: string, size: number) => `${url}/picture?size=${size}`;
const soundOf = (db: string, w: Window) => `${media.window(db, w.window_id)}/sound?as=heard`;

// ---- the query

async function askByFile(file: File): Promise<void> {
  const sent = await databases.upload(file);
  go(changed({ ...noQuery, page: null, upload: sent.id, name: sent.name }));
}

function Bar(p: { db: Database; question: Question; failed: (error: unknown) => void }) {
  const [text, setText] = useState(p.question.text);
  const picker = useRef<HTMLInputElement>(null);
  useEffect(() => setText(p.question.text), [p.question.text]);
  const send = (file: File | undefined) => file && askByFile(file).catch(p.failed);
  useEffect(() => {
    const over = (event: DragEvent) => event.dataTransfer?.types.includes("Files") && event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      void send(event.dataTransfer?.files[0]);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("drop", drop);
    };
  }, []);
  const words = p.db.model.text;
  const kind = hasPictures(p.db) ? "picture" : "sound";
  return (
    <form
      class="query"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const asked = text.trim();
        // A number stands for its window.
        if (/^\d+$/.test(asked)) go(changed({ ...noQuery, page: null, like: asked }));
        else if (words || !asked) go(changed({ ...noQuery, page: null, q: asked }));
      }}
    >
      <Icon name="search" />
      <input
        id="query"
        type="search"
        value={text}
        aria-label={words ? `Search by words, or by a ${kind} that is dropped` : `Search by a ${kind} that is dropped, or by a window's number`}
        placeholder={words ? `Words, or drop a ${kind}` : `Drop a ${kind}, or a window's number`}
        onInput={(e) => setText(e.currentTarget.value)}
      />
      <input
        ref={picker}
        type="file"
        accept={kind === "picture" ? "image/*,video/*" : "audio/*,video/*"}
        hidden
        aria-label={`A ${kind} to search by`}
        onChange={(e) => {
          const file = e.currentTarget.files?.[0];
          e.currentTarget.value = "";
          void send(file);
        }}
      />
      <Button kind="quiet" icon={kind} label={`Search by a ${kind}`} onClick={() => picker.current?.click()} />
      <Button kind="main" submit>
        Search
      </Button>
    </form>
  );
}

function QueryPicture(p: { url: string; name: string }) {
  return (
    <div class="query-sound">
      <div class="row">
        <strong>{p.name}</strong>
        <Button kind="quiet" icon="close" label="Take the query away" onClick={() => go(changed({ ...noQuery, page: null }))} />
      </div>
      <img class="query-picture" src={pictureOf(p.url, 320)} alt={p.name} />
    </div>
  );
}

/** The query as a spectrogram, with what is compared drawn on it; drag to choose. */
function QueryObject(p: { db: Database; question: Question; spans: { start: number; end: number }[] }) {
  const q = p.question;
  if (!q.upload && !q.like) return null;
  const url = q.upload ? media.upload(q.upload) : media.window(p.db.id, Number(q.like));
  if (hasPictures(p.db)) return <QueryPicture url={url} name={q.upload ? q.name || "a file" : `window ${q.like}`} />;
  const sound = `${url}/sound?as=heard${q.upload ? `&db=${encodeURIComponent(p.db.id)}` : ""}`;
  const now = playing.value?.url === sound ? playing.value.at : null;
  return (
    <div class="query-sound">
      <div class="row">
        <Button kind="quiet" onClick={() => toggle(sound)}>
          {now === null ? "Play" : "Stop"}
        </Button>
        <strong>{q.upload ? q.name || "a file" : `window ${q.like}`}</strong>
        {q.start !== null && (
          <span class="muted numbers">
            {moment(q.start)} – {moment(q.end ?? 0)}
          </span>
        )}
        {q.upload && q.start === null && <span class="muted">drag to choose a part</span>}
        {q.start !== null && (
          <Button kind="quiet" onClick={() => go(changed({ start: null, end: null, page: null }))}>
            Whole
          </Button>
        )}
        <Button kind="quiet" icon="close" label="Take the query away" onClick={() => go(changed({ ...noQuery, page: null }))} />
      </div>
      <Spectrogram
        url={url}
        width={640}
        height={96}
        cursor={now}
        spans={q.upload ? p.spans : []}
        {...(q.upload && {
          pick: (start: number, end: number) => go(changed({ start: start.toFixed(2), end: end.toFixed(2), page: null })),
        })}
      />
    </div>
  );
}

// ---- results

function Labels({ all }: { all: string[] }) {
  return (
    <span class="chips">
      {all.map((l) => {
        const kind = l.startsWith("-") ? "negative" : l.startsWith("?") ? "uncertain" : "positive";
        return (
          <span key={l} class={`label ${kind}`} title={kind}>
            {l}
          </span>
        );
      })}
    </span>
  );
}

interface CardOf {
  db: string;
  pictures: boolean;
  window: Window;
  i: number;
  at: boolean;
  select: () => void;
}

/** What it is, for those who do not see it. */
function described(p: CardOf, marked: boolean): string {
  const w = p.window;
  const place = p.pictures && w.end === 0 ? w.recording : `${w.recording} at ${moment(w.start)}`;
  const verb = p.pictures ? "" : "Play ";
  return `${verb}${place}${w.score === undefined ? "" : `, score ${score(w.score)}`}${marked ? ", marked" : ""}`;
}

function Card(p: CardOf) {
  const w = p.window;
  const url = soundOf(p.db, w);
  const now = playing.value?.url === url ? playing.value.at : null;
  const marked = marks.isMarked(p.db, String(w.window_id));
  return (
    <li class={`sound-card ${p.at ? "at" : ""} ${marked ? "marked" : ""}`}>
      <button
        type="button"
        class="hear"
        data-i={p.i}
        tabIndex={p.at ? 0 : -1}
        aria-pressed={p.pictures ? undefined : now !== null}
        aria-label={described(p, marked)}
        onFocus={p.select}
        onClick={() => (p.pictures ? p.select() : toggle(url))}
      >
        {p.pictures ? (
          <img class="levels picture" src={pictureOf(media.window(p.db, w.window_id), 400)} alt="" loading="lazy" />
        ) : (
          <Spectrogram url={media.window(p.db, w.window_id)} width={320} height={112} cursor={now} />
        )}
      </button>
      <div class="sound-line">
        <span class="name" title={w.recording}>
          <bdi dir="ltr">{w.recording}</bdi>
        </span>
        {w.score !== undefined && <strong class="numbers">{score(w.score)}</strong>}
      </div>
      <div class="sound-line muted numbers">
        <span>{p.pictures && w.end === 0 ? "" : `${moment(w.start)} – ${moment(w.end)}`}</span>
        <span>{w.datetime ? when(w.datetime) : ""}</span>
        {marked && <Icon name="check" size={16} />}
      </div>
      <Labels all={w.labels} />
    </li>
  );
}

const asMark = (w: Window): marks.Mark => ({
  id: String(w.window_id),
  view: `${w.start}-${w.end}`,
  url: w.recording,
  similarity: w.score ?? null,
});

const types: Record<string, string> = { "1": "positive", "2": "negative", "3": "uncertain" };
const signs: Record<string, string> = { positive: "", negative: "-", uncertain: "?" };

/** How spectrograms are drawn, all of a page alike. */
function Drawing() {
  return (
    <>
      <select class="auto" aria-label="Colours" value={palette.value} onChange={(e) => (palette.value = e.currentTarget.value as "grey")}>
        <option value="colour">colour</option>
        <option value="grey">grey</option>
      </select>
      <select class="auto" aria-label="Frequency axis" value={axis.value} onChange={(e) => (axis.value = e.currentTarget.value as "mel")}>
        <option>mel</option>
        <option>linear</option>
      </select>
      <select class="auto" aria-label="Range" value={range.value} onChange={(e) => (range.value = Number(e.currentTarget.value))}>
        {[60, 80, 100, 120].map((r) => (
          <option key={r} value={r}>
            {r} dB
          </option>
        ))}
      </select>
    </>
  );
}

function Tools({ question, db, pictures }: { question: Question; db: string; pictures: boolean }) {
  const [filter, setFilter] = useState(question.filter);
  const [known, setKnown] = useState<string[]>([]);
  useEffect(() => setFilter(question.filter), [question.filter]);
  useEffect(() => {
    void databases.labels(db).then((a) => setKnown(a.labels.map((l) => l.label)), () => {});
  }, [db]);
  return (
    <div class="tools">
      <label class="inline">
        <span class="muted">score</span>
        <select value={question.by || "cosine"} onChange={(e) => go(changed({ by: e.currentTarget.value, page: null }))}>
          <option>cosine</option>
          <option>dot</option>
          <option>euclidean</option>
        </select>
      </label>
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          go(changed({ filter: filter.trim(), page: null }));
        }}
      >
        <label class="inline">
          <span class="muted">filter</span>
          <input
            value={filter}
            spellcheck={false}
            placeholder="recording = '*SITE1*' and not label = 'rain'"
            onInput={(e) => setFilter(e.currentTarget.value)}
          />
        </label>
      </form>
      <label class="inline">
        <span class="muted">label</span>
        <input
          class="short"
          list="labels"
          value={label.value}
          placeholder="name for 1 2 3"
          onInput={(e) => (label.value = e.currentTarget.value)}
        />
        <datalist id="labels">
          {known.map((k) => (
            <option key={k} value={k} />
          ))}
        </datalist>
      </label>
      <span class="space" />
      {!pictures && <Drawing />}
    </div>
  );
}

export function SearchSounds({ db }: { db: Database }) {
  const question = read(values.value);
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [said, setSaid] = useState("");
  const [turn, setTurn] = useState(0);
  const [at, showAt] = useState(0);
  const now = useRef(0);
  const undone = useRef<(() => Promise<void>)[]>([]);
  const [ref, width] = useWidth<HTMLUListElement>();
  const windows = found?.windows ?? [];
  const setAt = (i: number) => {
    now.current = i;
    showAt(i);
  };
  useEffect(() => {
    const abort = new AbortController();
    setError(null);
    find(db.id, question, abort.signal).then(
      (answer) => {
        setFound(answer);
        setSaid("");
        setAt(0);
      },
      (e) => !abort.signal.aborted && setError(e),
    );
    return () => {
      abort.abort();
      stop();
    };
  }, [db.id, JSON.stringify(question), turn]);
  const pictures = hasPictures(db);
  const hear = (w: Window | undefined) => w && !pictures && toggle(soundOf(db.id, w));
  const select = (i: number) => {
    if (!windows[i]) return;
    setAt(i);
    document.querySelector<HTMLElement>(`.hear[data-i="${i}"]`)?.focus();
    const next = windows[i + 1];
    if (next && !pictures) prepare(soundOf(db.id, next));
  };
  const put = (id: number, labels: string[]) =>
    setFound((f) => f && { ...f, windows: f.windows.map((w) => (w.window_id === id ? { ...w, labels } : w)) });
  const give = async (type: string) => {
    const w = windows[now.current];
    const name = label.value.trim();
    if (!w) return;
    if (!name) {
      setSaid("Give the label a name first.");
      document.querySelector<HTMLInputElement>(".short")?.focus();
      return;
    }
    const { added } = await databases.label(db.id, { windows: [w.window_id], label: name, type });
    if (added[0]) {
      const { id } = added[0];
      const before = w.labels;
      put(w.window_id, [...before, signs[type] + name]);
      undone.current.push(async () => {
        await databases.unlabel(db.id, id);
        put(w.window_id, before);
      });
    }
    setSaid(`${name}: ${type}`);
    // On to the next that has none yet, and hear it.
    const next = windows.findIndex((o, i) => i > now.current && o.labels.length === 0);
    if (next >= 0) {
      select(next);
      hear(windows[next]);
    }
  };
  const mark = () => {
    const w = windows[now.current];
    if (!w) return;
    marks.toggle(db.id, asMark(w));
    undone.current.push(async () => void marks.undo());
  };
  const undo = async () => {
    const last = undone.current.pop();
    if (last) await last();
    setSaid(last ? "Undone." : "Nothing to undo.");
  };
  const like = () => {
    const w = windows[now.current];
    if (w) go(changed({ ...noQuery, page: null, like: w.window_id }));
  };
  const toPage = (page: number) => page >= 1 && go(changed({ page: page > 1 ? page : null }));
  const across = Math.max(1, Math.floor((width + 16) / 296));
  useKeys([
    { keys: ["ArrowLeft", "ArrowRight"], shown: "← →", does: "the sound before or behind", run: (e) => select(now.current + (e.key === "ArrowLeft" ? -1 : 1)) },
    { keys: ["ArrowUp", "ArrowDown"], shown: "↑ ↓", does: "the row above or below", run: (e) => select(now.current + (e.key === "ArrowUp" ? -across : across)) },
    { keys: [" "], shown: "Space", does: "play, or stop", run: () => void hear(windows[now.current]) },
    { keys: ["1", "2", "3"], shown: "1 2 3", does: "label positive, negative, uncertain, and on to the next", run: (e) => void give(types[e.key]!).catch(setError) },
    { keys: ["x", "X"], shown: "X", does: "mark, or take the mark away", run: mark },
    { keys: ["z", "Z"], shown: "Z", does: "undo the last label or mark", run: () => void undo().catch(setError) },
    { keys: ["f", "F"], shown: "F", does: "find similar", run: like },
    { keys: ["[", "]"], shown: "[ ]", does: "the page before or behind", run: (e) => toPage(question.page + (e.key === "[" ? -1 : 1)) },
  ]);
  const own = marks.marksOf(db.id);
  return (
    <div class="search">
      <div class="search-head">
        <Bar db={db} question={question} failed={setError} />
        <QueryObject db={db} question={question} spans={found?.spans ?? []} />
      </div>
      <div class="results">
        <Tools question={question} db={db.id} pictures={pictures} />
        {error !== null && <Failure error={error} again={() => setTurn(turn + 1)} />}
        {failed.value && <Failure error={new Error(failed.value)} />}
        <p class="said" role="status">
          {said || (found && (isSearch(question) ? `${counted(found.searched, "window")} searched` : counted(found.total ?? 0, "window")))}
        </p>
        {found && windows.length === 0 && error === null && (
          <Empty
            icon={pictures ? "picture" : "sound"}
            title={question.filter ? "Nothing passes the filter" : "Nothing here"}
            action={
              <Button kind="main" onClick={() => go(changed({ ...noQuery, filter: null, page: null }))}>
                Show all windows
              </Button>
            }
          />
        )}
        <ul class="sound-cards" ref={ref} aria-label="Results">
          {windows.map((w, i) => (
            <Card key={w.window_id} db={db.id} pictures={pictures} window={w} i={i} at={i === at} select={() => setAt(i)} />
          ))}
        </ul>
        {found && <Pager page={question.page} size={PAGE} shown={windows.length} total={found.total} to={toPage} />}
        {own.length > 0 && (
          <div class="marked-bar" role="region" aria-label="Marked">
            <strong class="numbers">{count(own.length)} marked</strong>
            <span class="space" />
            <Button kind="quiet" onClick={() => marks.clear(db.id)}>
              Clear
            </Button>
            <Button
              kind="quiet"
              onClick={() =>
                marks.download(
                  "marked.csv",
                  marks.csv(["database", "window", "seconds", "recording", "score"], own.map((m) => [db.id, m.id, m.view, m.url, m.similarity])),
                )
              }
            >
              Export CSV
            </Button>
            <Button
              icon="download"
              onClick={() =>
                void databases.zip(db.id, own.map((m) => Number(m.id))).then((zip) => marks.download(pictures ? "pictures.zip" : "sounds.zip", zip), setError)
              }
            >
              Export {pictures ? "pictures" : "sounds"}
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}
