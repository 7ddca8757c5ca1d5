// SPDX-License-Identifier: MIT
// Which embedding table answers, in which state it is, and what mends that.
import { useEffect, useState } from "preact/hooks";
import { datasets, models, type Dataset, type Model, type Table } from "../base/api";
import { embeddings, loadOne } from "../base/collections";
import { count } from "../base/format";
import { active, follow } from "../base/jobs";
import { tableName, usable } from "../home/create";
import { Icon } from "../parts/icon";
import { Button, Dialog, Failure, Field, Pop } from "../parts/ui";

const stateOf = (table: Table, dataset: Dataset) =>
  table.state === "partial" ? `${count(table.num_rows)} of ${count(dataset.num_views)}` : (table.state ?? "");

export function TableChoice(p: {
  dataset: Dataset;
  table: Table | undefined;
  choose: (name: string) => void;
}) {
  const [adding, setAdding] = useState(false);
  return (
    <>
      <Pop
        label={p.table ? `Embedding table ${p.table.name}. Choose another` : "Choose an embedding table"}
        button={
          <>
            <span class="muted">by</span> {p.table?.model ?? "no embeddings"}
            <Icon name="down" size={16} />
          </>
        }
      >
        {(close) => (
          <>
            <ul class="menu">
              {embeddings(p.dataset).map((t) => (
                <li key={t.name}>
                  <button
                    type="button"
                    aria-current={t === p.table ? "true" : undefined}
                    onClick={() => {
                      p.choose(t.name);
                      close();
                    }}
                  >
                    <strong>{t.model}</strong>
                    <span class="muted">
                      {t.name} · {t.text ? "words and pictures" : "pictures"} · {stateOf(t, p.dataset)}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
            <Button
              kind="quiet"
              icon="plus"
              onClick={() => {
                close();
                setAdding(true);
              }}
            >
              Another model
            </Button>
          </>
        )}
      </Pop>
      {adding && <AddTable dataset={p.dataset} close={() => setAdding(false)} chosen={p.choose} />}
    </>
  );
}

async function compute(dataset: Dataset, table: string): Promise<void> {
  const { job_id } = await datasets.compute(dataset.id, { table });
  follow(job_id, () => void loadOne(dataset.id));
}

/** What is wrong with the table, if anything, and a button against it. */
export function TableState({ dataset, table }: { dataset: Dataset; table: Table | undefined }) {
  const [adding, setAdding] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const running = active.value.some((j) => j.kind === "compute" && j.target === dataset.path);
  useEffect(() => setError(null), [table?.name]);
  let text = "";
  if (!table) text = "This dataset has no embeddings yet: search needs them.";
  else if (table.state === "missing model")
    text = `The model ${table.model} is not on the server. Install it there with akin model install ${table.model}, or choose another.`;
  else if (table.state === "damaged")
    text = `The table ${table.name} is damaged. akin verify says how; choose another meanwhile.`;
  else if (table.num_rows < dataset.num_views)
    text = table.num_rows
      ? `${count(table.num_rows)} of ${count(dataset.num_views)} views have embeddings by ${table.model}; others are not found.`
      : `The table ${table.name} has no embeddings yet.`;
  if (!text) return null;
  const fixable = table && table.state !== "missing model" && table.state !== "damaged";
  return (
    <div class="notice" role="status">
      <span>{running ? "Embeddings are being computed; results come as they are ready." : text}</span>
      {!running && fixable && (
        <Button kind="plain" onClick={() => void compute(dataset, table.name).catch(setError)}>
          Compute
        </Button>
      )}
      {!running && !fixable && (
        <Button kind="plain" onClick={() => setAdding(true)}>
          Choose a model
        </Button>
      )}
      {error !== null && <Failure error={error} />}
      {adding && <AddTable dataset={dataset} close={() => setAdding(false)} chosen={() => {}} />}
    </div>
  );
}

function AddTable(p: { dataset: Dataset; close: () => void; chosen: (name: string) => void }) {
  const [list, setList] = useState<Model[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [model, setModel] = useState("");
  useEffect(() => {
    void models().then((answer) => {
      const there = embeddings(p.dataset).map((t) => t.model);
      const good = usable(answer.models).filter((m) => !there.includes(m.name));
      setList(good);
      setModel(good[0]?.name ?? "");
    }, setError);
  }, []);
  const add = async (event: Event) => {
    event.preventDefault();
    try {
      const name = tableName(model);
      await datasets.addTable(p.dataset.id, { name, model });
      await compute(p.dataset, name);
      await loadOne(p.dataset.id);
      p.chosen(name);
      p.close();
    } catch (e) {
      setError(e);
    }
  };
  return (
    <Dialog title="Embeddings by another model" close={p.close}>
      <form onSubmit={(event) => void add(event)}>
        {list?.length === 0 && (
          <p>All models for pictures that are on the server are in use here. Install others with akin model install.</p>
        )}
        {list && list.length > 0 && (
          <Field label="Model" hint={list.find((m) => m.name === model)?.about}>
            {(id) => (
              <select id={id} value={model} onChange={(e) => setModel(e.currentTarget.value)}>
                {list.map((m) => (
                  <option key={m.name} value={m.name}>
                    {m.name} · {m.text ? "words and pictures" : "pictures only"}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        {error !== null && <Failure error={error} />}
        <div class="dialog-foot">
          <Button onClick={p.close}>Cancel</Button>
          <Button kind="main" submit disabled={!model}>
            Compute
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
