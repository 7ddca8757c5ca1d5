// SPDX-License-Identifier: MIT
// What is under the folder that is served, each with a look at what it holds.
import { useEffect, useState } from "preact/hooks";
import { databases as databaseApi, datasets, media, type Database, type Dataset, type Row } from "../base/api";
import { all, databases, embeddings, load, problem, root, viewTables } from "../base/collections";
import { bytes, counted, lastPart } from "../base/format";
import { address } from "../base/router";
import { Button, Empty, Failure } from "../parts/ui";
import { Spectrogram } from "../sounds/spectrogram";
import { Create } from "./create";

const SHOWN = 5;

function Preview({ dataset }: { dataset: Dataset }) {
  const [rows, setRows] = useState<Row[]>([]);
  const view = viewTables(dataset)[0]?.name;
  useEffect(() => {
    if (!view) return;
    // Across the whole of it, not five of the first folder.
    const step = Math.floor(dataset.num_views / SHOWN) || 1;
    const asked = Array.from({ length: SHOWN }, (_, i) =>
      datasets.rows(dataset.id, view, [["limit", "1"], ["skip", String(i * step)]]),
    );
    void Promise.all(asked).then(
      (answers) => setRows(answers.flatMap((a) => a.rows)),
      () => setRows([]),
    );
  }, [dataset.id, view, dataset.num_views]);
  return (
    <div class="preview" aria-hidden="true">
      {Array.from({ length: SHOWN }, (_, i) => {
        const row = rows[i];
        return (
          <div key={i}>
            {row && <img src={datasets.thumbnail(dataset.id, row.id, 256)} alt="" class={small(row)} />}
          </div>
        );
      })}
    </div>
  );
}

const small = (row: Row) => (Number(row.width) < 100 ? "pixels" : "");

function states(dataset: Dataset): string {
  const tables = embeddings(dataset);
  if (!dataset.tables) return "";
  if (!tables.length) return "no embeddings yet";
  return tables.map((t) => `${t.name} · ${t.model} · ${t.state}`).join("\n");
}

function Card({ dataset }: { dataset: Dataset }) {
  const name = dataset.name ?? lastPart(dataset.path);
  if (dataset.problem)
    return (
      <li class="card broken">
        <div class="card-text">
          <h3>{name}</h3>
          <p class="muted path">{dataset.path}</p>
          <p>It cannot be opened: {dataset.problem}. Look at it with akin info, or restore it from a copy.</p>
        </div>
      </li>
    );
  return (
    <li class="card">
      <a href={address("/search", { in: dataset.id })}>
        <Preview dataset={dataset} />
        <div class="card-text">
          <h3>{name}</h3>
          <p class="muted numbers">
            {counted(dataset.num_items, "item")}
            {dataset.num_views !== dataset.num_items && ` · ${counted(dataset.num_views, "view")}`}
          </p>
          <p class="muted states">{states(dataset)}</p>
          {dataset.description && <p>{dataset.description}</p>}
        </div>
      </a>
    </li>
  );
}

function One({ db, id }: { db: Database; id: number }) {
  const url = media.window(db.id, id);
  if (db.modality === "image") return <img class="levels picture" src={`${url}/picture?size=400`} alt="" loading="lazy" />;
  return <Spectrogram url={url} width={360} height={162} cursor={null} />;
}

/** One window of it, from its middle. */
function Waves({ db }: { db: Database }) {
  const [id, setId] = useState<number | null>(null);
  useEffect(() => {
    const offset = String(Math.floor(db.counts.windows / 2));
    void databaseApi.windows(db.id, { limit: "1", offset }).then((a) => setId(a.windows[0]?.window_id ?? null), () => {});
  }, [db.id, db.counts.windows]);
  return (
    <div class="preview waves" aria-hidden="true">
      <div>{id !== null && <One db={db} id={id} />}</div>
    </div>
  );
}

function SoundCard({ db }: { db: Database }) {
  if (db.problem)
    return (
      <li class="card broken">
        <div class="card-text">
          <h3>{db.id}</h3>
          <p class="muted path">{db.path}</p>
          <p>It cannot be opened: {db.problem}. Look at it with akin verify.</p>
        </div>
      </li>
    );
  return (
    <li class="card">
      <a href={address("/search", { in: db.id })}>
        <Waves db={db} />
        <div class="card-text">
          <h3>{db.id}</h3>
          <p class="muted numbers">{counted(db.counts.windows, "window")}</p>
          <p class="muted states numbers">
            {db.model.name}
            {db.model.available ? "" : ", which is not on the server"} · {counted(db.counts.recordings, "recording")} ·{" "}
            {counted(db.counts.annotations, "label")} · {bytes(db.bytes.sqlite + db.bytes.index)}
          </p>
        </div>
      </a>
    </li>
  );
}

export function Home() {
  const [creating, setCreating] = useState(false);
  const list = all.value;
  const sounds = databases.value ?? [];
  return (
    <div class="page home">
      <div class="page-head">
        <h1>{lastPart(root.value) || "akin"}</h1>
        <p class="muted path">{root.value}</p>
        <span class="space" />
        {list && list.length + sounds.length > 0 && (
          <Button kind="main" icon="plus" onClick={() => setCreating(true)}>
            New dataset
          </Button>
        )}
      </div>
      {problem.value !== null && <Failure error={problem.value} again={() => void load()} />}
      {sounds.length > 0 && (
        <section aria-label="Databases">
          <h2 class="section">Databases</h2>
          <ul class="cards">
            {sounds.map((d) => (
              <SoundCard key={d.path} db={d} />
            ))}
          </ul>
        </section>
      )}
      {list && list.length > 0 && (
        <section aria-label="Datasets">
          <h2 class="section">Datasets</h2>
          <ul class="cards">
            {list.map((d) => (
              <Card key={d.path} dataset={d} />
            ))}
          </ul>
        </section>
      )}
      {list?.length === 0 && sounds.length === 0 && (
        <Empty
          icon="picture"
          title="Nothing here yet"
          action={
            <div class="row middle">
              <Button kind="main" icon="plus" onClick={() => setCreating(true)}>
                New dataset
              </Button>
              <a class="button plain" href="/extract">
                Extract sounds
              </a>
            </div>
          }
        >
          Make a dataset of a folder of pictures, or extract a folder of recordings, then search by example or by words.
        </Empty>
      )}
      {creating && <Create close={() => setCreating(false)} />}
    </div>
  );
}
