// SPDX-License-Identifier: MIT
// Searching a dataset of pictures: the bar, the query as an object, the results,
// and details beside them. All that is asked for is in the address.
import { useEffect, useRef, useState } from "preact/hooks";
import { datasets, type Dataset, type Value } from "../base/api";
import { all, current, find as findDataset, load, problem } from "../base/collections";
import { count, counted } from "../base/format";
import { useEscape, useKeys } from "../base/keys";
import { keepFile, kept, keptFile } from "../base/kept";
import * as marks from "../base/marks";
import { ended } from "../base/jobs";
import { address, changed, go, inUse, values } from "../base/router";
import { Icon } from "../parts/icon";
import { Button, Empty, Failure, Pager } from "../parts/ui";
import { Detail } from "./detail";
import { columnsOf, Filter } from "./filter";
import { find, isSearch, PAGE, read, tableFor, type Found, type Hit, type Question } from "./find";
import { Grid, titleOf, vertical } from "./grid";
import { TableChoice, TableState } from "./tables";
import { parse, write } from "./where";

const heights = { small: 112, medium: 176, large: 272 };
const size = kept<keyof typeof heights>("size", "medium");

const fresh = { page: null, item: null, marked: null };
const noQuery = { q: null, picture: null, like: null };

// ---- the query

function Bar(p: { dataset: Dataset; question: Question }) {
  const [text, setText] = useState(p.question.text);
  const input = useRef<HTMLInputElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  useEffect(() => setText(p.question.text), [p.question.text]);
  const ask = async (event: Event) => {
    event.preventDefault();
    const asked = text.trim();
    // An id stands for its item.
    if (/^[0-9A-Za-z]{22}$/.test(asked)) {
      const known = await datasets.rows(p.dataset.id, "item", [["ids", asked]]).catch(() => null);
      if (known?.rows.length) {
        setText("");
        go(changed({ ...noQuery, ...fresh, sort: null, like: asked }));
        return;
      }
    }
    input.current?.blur();
    go(changed({ ...noQuery, ...fresh, sort: null, q: asked }));
  };
  return (
    <form class="query" role="search" onSubmit={(event) => void ask(event)}>
      <Icon name="search" />
      <input
        id="query"
        ref={input}
        type="search"
        value={text}
        enterkeyhint="search"
        aria-label="Search by words, an id, or a picture that is dropped or pasted"
        placeholder="Words, or drop or paste a picture"
        onInput={(e) => setText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === "ArrowDown") {
            e.preventDefault();
            document.querySelector<HTMLElement>(".tile-picture[tabindex='0']")?.focus();
          }
        }}
      />
      <input
        ref={picker}
        type="file"
        accept="image/*"
        hidden
        aria-label="A picture to search by"
        onChange={(e) => {
          const file = e.currentTarget.files?.[0];
          e.currentTarget.value = "";
          if (file) void askByFile(file);
        }}
      />
      <Button kind="quiet" icon="picture" label="Search by a picture" onClick={() => picker.current?.click()} />
      <Button kind="main" submit>
        Search
      </Button>
    </form>
  );
}

async function askByFile(file: Blob): Promise<void> {
  const picture = await keepFile(file);
  go(changed({ ...noQuery, ...fresh, sort: null, picture }));
}

/** Dropped or pasted anywhere on the page. */
function useFiles(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const picture = (list: DataTransfer | null) => [...(list?.files ?? [])].find((f) => f.type.startsWith("image/") || /\.(tiff?|avif)$/i.test(f.name));
    const drag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => !event.relatedTarget && setOver(false);
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const file = picture(event.dataTransfer);
      if (file) void askByFile(file);
    };
    const paste = (event: ClipboardEvent) => {
      const file = picture(event.clipboardData);
      if (!file) return;
      event.preventDefault();
      void askByFile(file);
    };
    document.addEventListener("dragover", drag);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("dragover", drag);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
      document.removeEventListener("paste", paste);
    };
  }, []);
  return over;
}

function useLocal(name: string): string {
  const [url, setUrl] = useState("");
  useEffect(() => {
    let made = "";
    let over = false;
    if (name)
      void keptFile(name).then((file) => {
        if (!file || over) return;
        made = URL.createObjectURL(file);
        setUrl(made);
      });
    return () => {
      over = true;
      setUrl("");
      if (made) URL.revokeObjectURL(made);
    };
  }, [name]);
  return url;
}

/** What is searched for, as a thing that can be looked at and taken away. */
function QueryObject(p: { dataset: Dataset; question: Question }) {
  const q = p.question;
  const local = useLocal(q.picture);
  const [view, setView] = useState("");
  useEffect(() => {
    setView("");
    if (!q.like) return;
    let over = false;
    const tables = (p.dataset.tables ?? []).filter((t) => t.group === "views");
    void (async () => {
      for (const t of tables) {
        const found = await datasets.rows(p.dataset.id, t.name, [["item_ids", q.like], ["limit", "1"]]).catch(() => null);
        const row = found?.rows[0];
        if (row && !over) return setView(row.id);
      }
    })();
    return () => {
      over = true;
    };
  }, [q.like, p.dataset.id]);
  if (!isSearch(q)) return null;
  const src = q.picture ? local : view ? datasets.thumbnail(p.dataset.id, view, 256) : "";
  return (
    <div class="query-object">
      {q.text ? <q>{q.text}</q> : src ? <img src={src} alt="The picture that is searched by" /> : null}
      {!q.text && <span class="muted">{q.like ? "like this item" : "like this picture"}</span>}
      <button type="button" aria-label="Take the query away" onClick={() => go(changed({ ...noQuery, ...fresh }))}>
        <Icon name="close" size={14} />
      </button>
    </div>
  );
}

// ---- results

function useFound(dataset: Dataset | undefined, question: Question) {
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  // The order of marks is theirs; a mark taken away stays until the page is left.
  const key = JSON.stringify([dataset?.id, !!dataset?.tables, question, turn, ended.value]);
  useEffect(() => {
    if (!dataset?.tables) return;
    const abort = new AbortController();
    setError(null);
    find(dataset, question, abort.signal).then(setFound, (e) => {
      if (!abort.signal.aborted) setError(e);
    });
    return () => abort.abort();
  }, [key]);
  return { found: found?.question.dataset === question.dataset ? found : null, error, again: () => setTurn(turn + 1) };
}

const focusTile = (i: number) => document.querySelector<HTMLElement>(`.tile-picture[data-i="${i}"]`)?.focus();
const asMark = (hit: Hit): marks.Mark => ({ id: hit.id, view: hit.view, url: hit.url, similarity: hit.similarity });

function Marked({ dataset, showing }: { dataset: Dataset; showing: boolean }) {
  const own = marks.marksOf(dataset.id);
  if (!own.length && !showing) return null;
  const save = () =>
    marks.download(
      `${dataset.name}-marked.csv`,
      marks.csv(
        ["dataset", "item", "view", "url", "similarity"],
        own.map((m) => [dataset.id, m.id, m.view, m.url, m.similarity]),
      ),
    );
  return (
    <div class="marked-bar" role="region" aria-label="Marked">
      <strong class="numbers">{count(own.length)} marked</strong>
      <Button kind="quiet" onClick={() => go(changed({ ...fresh, marked: showing ? null : 1 }))}>
        {showing ? "Back to the results" : "Show"}
      </Button>
      <span class="space" />
      <Button kind="quiet" icon="undo" shortcut="Z" onClick={() => marks.undo()}>
        Undo
      </Button>
      <Button kind="quiet" disabled={!own.length} onClick={() => marks.clear(dataset.id)}>
        Clear
      </Button>
      <Button kind="plain" icon="download" disabled={!own.length} onClick={save}>
        Export CSV
      </Button>
    </div>
  );
}

function Sort({ dataset, question }: { dataset: Dataset; question: Question }) {
  if (isSearch(question) || question.marked) return null;
  const value = question.sort ? (question.descending ? "-" : "") + question.sort : "";
  return (
    <label class="inline">
      <span class="muted">order</span>
      <select value={value} onChange={(e) => go(changed({ ...fresh, sort: e.currentTarget.value }))}>
        <option value="">as they came</option>
        {columnsOf(dataset).flatMap((c) => [
          <option key={c.name} value={c.name}>
            {c.name} ↑
          </option>,
          <option key={"-" + c.name} value={"-" + c.name}>
            {c.name} ↓
          </option>,
        ])}
      </select>
    </label>
  );
}

function Sizes() {
  return (
    <div class="sizes" role="group" aria-label="Size of the pictures">
      {(["small", "medium", "large"] as const).map((s) => (
        <button key={s} type="button" aria-pressed={size.value === s} aria-label={s} title={s} onClick={() => (size.value = s)}>
          <i class={s} />
        </button>
      ))}
    </div>
  );
}

function Results({ dataset, question }: { dataset: Dataset; question: Question }) {
  const { found, error, again } = useFound(dataset, question);
  const [at, showAt] = useState(0);
  // Keys may come faster than pages are drawn.
  const now = useRef(0);
  const setAt = (i: number) => {
    now.current = i;
    showAt(i);
  };
  const wantsLast = useRef(false);
  const hits = found?.hits ?? [];
  const openId = values.value.get("item") ?? "";
  const opened = hits.find((h) => h.id === openId);
  const table = tableFor(dataset, question);
  useEffect(() => {
    const i = hits.findIndex((h) => h.id === openId);
    setAt(i >= 0 ? i : wantsLast.current ? Math.max(0, hits.length - 1) : 0);
    wantsLast.current = false;
    // The tile that had the focus is gone: it is on the new page's then.
    if (document.activeElement === document.body && !("ontouchstart" in window))
      requestAnimationFrame(() => focusTile(now.current));
  }, [found]);

  const show = (hit: Hit | undefined) => hit && go(changed({ item: hit.id }), !!openId);
  const close = () => go(changed({ item: null }));
  const like = (hit: Hit | undefined) => hit && go(changed({ ...noQuery, ...fresh, sort: null, like: hit.id }));
  const mark = (hit: Hit | undefined) => hit && marks.toggle(dataset.id, asMark(hit));
  const last = found?.total ? Math.ceil(found.total / PAGE) : null;
  const toPage = (page: number) => {
    if (page < 1 || (last !== null && page > last)) return;
    document.querySelector(".results")?.scrollTo(0, 0);
    go(changed({ page: page > 1 ? page : null, item: null }));
  };
  const select = (i: number) => {
    const hit = hits[i];
    if (!hit) return;
    setAt(i);
    if (opened) show(hit);
    focusTile(i);
  };
  const step = (by: number) => {
    const to = now.current + by;
    if (hits[to]) select(to);
    else if (to < 0 && question.page > 1) {
      wantsLast.current = true;
      toPage(question.page - 1);
    } else if (to >= hits.length) toPage(question.page + 1);
  };
  const stepRow = (down: boolean) => {
    const rects = [...document.querySelectorAll(".tile-picture")].map((e) => e.getBoundingClientRect());
    select(vertical(rects, now.current, down));
  };
  useEscape(!!opened, close);
  useKeys([
    { keys: ["ArrowLeft", "ArrowRight"], shown: "← →", does: "the picture before or behind", run: (e) => step(e.key === "ArrowLeft" ? -1 : 1) },
    { keys: ["ArrowUp", "ArrowDown"], shown: "↑ ↓", does: "the row above or below", run: (e) => stepRow(e.key === "ArrowDown") },
    { keys: ["Enter"], shown: "Enter", does: "open details", run: () => show(hits[now.current]) },
    { keys: ["f", "F"], shown: "F", does: "find similar", run: () => like(hits[now.current]) },
    { keys: ["x", "X"], shown: "X", does: "mark, or take the mark away", run: () => mark(hits[now.current]) },
    { keys: ["z", "Z"], shown: "Z", does: "undo the last mark", run: () => void marks.undo() },
    { keys: ["[", "]"], shown: "[ ]", does: "the page before or behind", run: (e) => toPage(question.page + (e.key === "[" ? -1 : 1)) },
  ]);
  const narrow = (field: string, value: Value) => {
    const conditions = parse(question.where) ?? [];
    const more = { field, operator: "=" as const, value: String(value) };
    go(changed({ ...fresh, where: write([...conditions.filter((c) => c.field !== field), more], columnsOf(dataset)) }));
  };
  return (
    <div class={`with-detail ${opened ? "has-detail" : ""}`}>
      <div class="results">
        <div class="tools">
          {question.text && <QueryObject dataset={dataset} question={question} />}
          <TableChoice dataset={dataset} table={table} choose={(name) => go(changed({ table: name, page: null }))} />
          <Filter dataset={dataset} where={question.where} set={(where) => go(changed({ ...fresh, where }))} />
          <Sort dataset={dataset} question={question} />
          <span class="space" />
          {found && (
            <span class="muted numbers" role="status">
              {question.marked
                ? counted(found.total ?? 0, "marked item")
                : isSearch(question)
                  ? `${counted(found.total ?? 0, "item")} ranked`
                  : found.total === null
                    ? ""
                    : counted(found.total, "item")}
            </span>
          )}
          <Sizes />
        </div>
        <TableState dataset={dataset} table={table} />
        {error !== null && <Failure error={error} again={again} />}
        {error === null && found && hits.length === 0 && <NoHits question={question} />}
        {error === null && hits.length > 0 && (
          <Grid
            dataset={dataset.id}
            hits={hits}
            wanted={heights[size.value]}
            at={Math.min(at, hits.length - 1)}
            open={openId}
            select={setAt}
            show={(hit) => {
              setAt(hits.indexOf(hit));
              show(hit);
            }}
            mark={mark}
          />
        )}
        {found && <Pager page={question.page} size={PAGE} shown={hits.length} total={found.total} to={toPage} />}
        <Marked dataset={dataset} showing={question.marked} />
      </div>
      {opened && (
        <Detail
          dataset={dataset}
          hit={opened}
          step={step}
          close={close}
          like={() => like(opened)}
          mark={() => mark(opened)}
          narrow={narrow}
        />
      )}
    </div>
  );
}

function NoHits({ question }: { question: Question }) {
  if (question.marked)
    return (
      <Empty
        icon="check"
        title="Nothing is marked"
        action={
          <Button kind="main" onClick={() => go(changed({ ...fresh }))}>
            Back to the results
          </Button>
        }
      >
        Mark pictures with X, or with the sign in their corner.
      </Empty>
    );
  if (question.where || question.page > 1)
    return (
      <Empty
        icon="filter"
        title="Nothing passes the filter"
        action={
          <Button kind="main" onClick={() => go(changed({ ...fresh, where: null }))}>
            Take the filter away
          </Button>
        }
      >
        No item has all that it asks for.
      </Empty>
    );
  return (
    <Empty
      icon="picture"
      title="This dataset is empty"
      action={
        <a class="button main" href={address("/")}>
          Go to the home page
        </a>
      }
    >
      Its folder had no pictures when it was imported.
    </Empty>
  );
}

// ---- the page

export function Choose({ what }: { what: string }) {
  const list = all.value;
  if (problem.value !== null) return <Failure error={problem.value} again={() => void load()} />;
  if (!list) return null;
  return (
    <Empty
      icon="search"
      title={inUse.value ? `There is no dataset ${inUse.value} here` : `Choose what to ${what}`}
      action={
        <div class="row middle">
          {list
            .filter((d) => !d.problem)
            .map((d) => (
              <a key={d.id} class="button plain" href={address(location.pathname, { in: d.id })}>
                {d.name}
              </a>
            ))}
          <a class="button main" href={address("/")}>
            Go to the home page
          </a>
        </div>
      }
    />
  );
}

export function Search() {
  const over = useFiles();
  // The only one there is needs no choice.
  useEffect(() => {
    const good = all.value?.filter((d) => !d.problem) ?? [];
    if (!inUse.value && good.length === 1 && good[0]) go(changed({ in: good[0].id }), true);
  });
  const dataset = current.value ?? findDataset(inUse.value);
  if (!dataset) return <Choose what="search" />;
  if (dataset.problem) return <Failure error={new Error(`${dataset.name ?? dataset.path} cannot be opened: ${dataset.problem}`)} again={() => void load()} />;
  const question = read(dataset.id, values.value);
  return (
    <div class="search">
      <div class="search-head">
        <Bar dataset={dataset} question={question} />
        {!question.text && <QueryObject dataset={dataset} question={question} />}
      </div>
      {dataset.tables && <Results dataset={dataset} question={question} />}
      {over && (
        <div class="drop" aria-hidden="true">
          <p>Search by this picture</p>
        </div>
      )}
    </div>
  );
}

export { titleOf };
