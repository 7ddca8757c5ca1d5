// SPDX-License-Identifier: MIT
// Labels of a dataset of pictures: each item gets the one whose words are nearest.
import { useEffect, useState } from "preact/hooks";
import { datasets, type Dataset } from "../base/api";
import { current, embeddings } from "../base/collections";
import { counted } from "../base/format";
import { ended, follow } from "../base/jobs";
import { address, go } from "../base/router";
import { Button, Empty, Failure, Field } from "../parts/ui";
import { columnsOf } from "./filter";
import { Choose } from "./search";

interface Group {
  label: string;
  n: number;
  more: boolean;
}

/** How many of the first items have which label. */
function useGroups(dataset: Dataset, field: string): Group[] | null {
  const [groups, setGroups] = useState<Group[] | null>(null);
  useEffect(() => {
    let over = false;
    void datasets.rows(dataset.id, "item", [["limit", "10000"]]).then(
      ({ rows }) => {
        const by = Map.groupBy(
          rows.filter((r) => typeof r[field] === "string" && r[field]),
          (r) => String(r[field]),
        );
        const all = [...by].map(([label, some]) => ({ label, n: some.length, more: dataset.num_items > rows.length }));
        if (!over) setGroups(all.sort((a, b) => b.n - a.n || a.label.localeCompare(b.label)));
      },
      () => !over && setGroups(null),
    );
    return () => {
      over = true;
    };
  }, [dataset.id, field, ended.value]);
  return groups;
}

function Tag({ dataset }: { dataset: Dataset }) {
  const tables = embeddings(dataset).filter((t) => t.text && t.num_rows > 0);
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>(null);
  const labels = text.split(/[,\n]/).map((l) => l.trim()).filter(Boolean);
  if (!tables[0])
    return (
      <Empty
        icon="labels"
        title="Labels need a model that takes words"
        action={
          <a class="button main" href={address("/search", { in: dataset.id })}>
            Choose a model
          </a>
        }
      >
        This dataset has no embeddings by such a model yet.
      </Empty>
    );
  const table = tables[0];
  const start = async (event: Event) => {
    event.preventDefault();
    try {
      const { job_id } = await datasets.tag(dataset.id, { table: table.name, labels });
      follow(job_id);
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  return (
    <form class="tag" onSubmit={(event) => void start(event)}>
      <Field
        label="Words to choose from"
        hint={`Each item gets the nearest of them, by ${table.model}, in its field tag, and how sure that is in tag_score. Earlier ones are replaced.`}
      >
        {(id) => (
          <input id={id} value={text} placeholder="cat, dog, truck" onInput={(e) => setText(e.currentTarget.value)} />
        )}
      </Field>
      <Button kind="main" submit disabled={labels.length < 2}>
        Label all items
      </Button>
      {error !== null && <Failure error={error} />}
    </form>
  );
}

export function Labels() {
  const dataset = current.value;
  if (!dataset) return <Choose what="label" />;
  return (
    <div class="page labels">
      <div class="page-head">
        <h1>Labels</h1>
      </div>
      <Tag dataset={dataset} />
      {columnsOf(dataset).some((c) => c.name === "tag") && <Groups dataset={dataset} />}
    </div>
  );
}

function Groups({ dataset }: { dataset: Dataset }) {
  const groups = useGroups(dataset, "tag");
  if (!groups) return null;
  return (
    <section aria-label="Labels that items have">
      <h2 class="section">{counted(groups.length, "label")}</h2>
      <ul class="label-list">
        {groups.map((g) => (
          <li key={g.label}>
            <Button
              onClick={() =>
                go(address("/search", { in: dataset.id, where: `tag = '${g.label.replaceAll("'", "''")}'`, sort: "-tag_score" }))
              }
            >
              {g.label} <span class="muted numbers">{counted(g.n, "item") + (g.more ? " or more" : "")}</span>
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
