// SPDX-License-Identifier: MIT
// Labels of a database of sounds: how many windows have which, and which way.
import { useEffect, useState } from "preact/hooks";
import { databases, type Database } from "../base/api";
import { count } from "../base/format";
import { address } from "../base/router";
import { Empty, Failure } from "../parts/ui";

interface Count {
  label: string;
  positive: number;
  negative: number;
  uncertain: number;
}

export function SoundLabels({ db }: { db: Database }) {
  const [all, setAll] = useState<Count[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    void databases.labels(db.id).then((a) => setAll(a.labels), setError);
  }, [db.id]);
  const filter = (label: string) => `label = '${label.replaceAll("'", "''")}'`;
  return (
    <div class="page">
      <div class="page-head">
        <h1>Labels</h1>
      </div>
      {error !== null && <Failure error={error} />}
      {all?.length === 0 && (
        <Empty
          icon="labels"
          title="No labels yet"
          action={
            <a class="button main" href={address("/search", { in: db.id })}>
              Go to the sounds
            </a>
          }
        >
          Search, give a label its name, then press 1, 2 or 3 on a sound.
        </Empty>
      )}
      {all && all.length > 0 && (
        <table class="counts">
          <thead>
            <tr>
              <th scope="col">label</th>
              <th scope="col">positive</th>
              <th scope="col">negative</th>
              <th scope="col">uncertain</th>
            </tr>
          </thead>
          <tbody>
            {all.map((l) => (
              <tr key={l.label}>
                <th scope="row">
                  <a href={address("/search", { in: db.id, filter: filter(l.label) })}>{l.label}</a>
                </th>
                <td>{count(l.positive)}</td>
                <td>{count(l.negative)}</td>
                <td>{count(l.uncertain)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
