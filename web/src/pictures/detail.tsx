// SPDX-License-Identifier: MIT
// One item, beside the results: large, with all that is known of it.
import { useEffect, useState } from "preact/hooks";
import { datasets, type Dataset, type Row, type Value } from "../base/api";
import { viewTables } from "../base/collections";
import { count, score, when } from "../base/format";
import { isMarked } from "../base/marks";
import { Button, Failure } from "../parts/ui";
import type { Hit } from "./find";
import { titleOf } from "./grid";

export function shown(value: Value | undefined, name: string): string {
  if (value === null || value === undefined) return "\u2013";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isInteger(value) && !/year/i.test(name) ? count(value) : String(value);
  if (typeof value === "object") return value.id;
  return /^\d{4}-\d\d-\d\dT/.test(value) ? when(value) : value;
}

const plain = ["id", "created_at", "updated_at"];

interface DetailProps {
  dataset: Dataset;
  hit: Hit;
  step: (by: number) => void;
  close: () => void;
  like: () => void;
  mark: () => void;
  narrow: (field: string, value: Value) => void;
}

export function Detail(p: DetailProps) {
  const { dataset, hit } = p;
  const [views, setViews] = useState<(Row & { table: string })[]>([]);
  const [shownView, setShownView] = useState(hit.view);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let over = false;
    setShownView(hit.view);
    setError(null);
    const asked = viewTables(dataset).map(async ({ name }) => {
      const { rows } = await datasets.rows(dataset.id, name, [["item_ids", hit.id]]);
      return rows.map((r) => ({ ...r, table: name }) as Row & { table: string });
    });
    void Promise.all(asked).then(
      (all) => !over && setViews(all.flat()),
      (e) => !over && setError(e),
    );
    return () => {
      over = true;
    };
  }, [dataset.id, hit.id, hit.view]);
  const view = views.find((v) => v.id === shownView);
  const width = Number(view?.width ?? hit.width);
  const height = Number(view?.height ?? hit.height);
  const fields = Object.entries(hit.item).filter(([name]) => !plain.includes(name));
  const marked = isMarked(dataset.id, hit.id);
  return (
    <aside class="detail" aria-label="Details">
      <header>
        <h2>{titleOf(hit)}</h2>
        <Button kind="quiet" icon="left" label="Previous" shortcut="\u2190" onClick={() => p.step(-1)} />
        <Button kind="quiet" icon="right" label="Next" shortcut="\u2192" onClick={() => p.step(1)} />
        <Button kind="quiet" icon="close" label="Close" shortcut="Esc" onClick={p.close} />
      </header>
      <a
        class="large-view"
        href={datasets.media(dataset.id, shownView)}
        target="_blank"
        rel="noreferrer"
        title="The file itself"
        style={{ aspectRatio: `${Math.max(0.6, width / height)}` }}
      >
        <img
          key={shownView}
          src={width > 2048 ? datasets.thumbnail(dataset.id, shownView, 1024) : datasets.media(dataset.id, shownView)}
          alt={titleOf(hit)}
          class={width < 200 ? "pixels" : ""}
          onError={(e) => {
            // A format that browsers do not show.
            const small = datasets.thumbnail(dataset.id, shownView, 1024);
            if (!e.currentTarget.src.endsWith(small)) e.currentTarget.src = small;
          }}
        />
      </a>
      {views.length > 1 && (
        <ul class="views" aria-label="Views">
          {views.map((v) => (
            <li key={v.id}>
              <button
                type="button"
                aria-pressed={v.id === shownView}
                aria-label={`View ${v.table}`}
                title={v.table}
                onClick={() => setShownView(v.id)}
              >
                <img src={datasets.thumbnail(dataset.id, v.id, 128)} alt="" />
                <span>{v.table}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="row actions">
        <Button kind="main" icon="like" shortcut="F" onClick={p.like}>
          Find similar
        </Button>
        <Button icon="check" pressed={marked} shortcut="X" onClick={p.mark}>
          {marked ? "Marked" : "Mark"}
        </Button>
      </div>
      {error !== null && <Failure error={error} />}
      <table class="facts">
        <tbody>
          {hit.similarity !== null && (
            <tr>
              <th scope="row">similarity</th>
              <td class="numbers">{score(hit.similarity)}</td>
            </tr>
          )}
          {fields.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={typeof value === "number" ? "numbers" : ""}>
                {value === null || typeof value === "object" ? (
                  shown(value, name)
                ) : (
                  <button type="button" class="narrow" title={`Only items with this ${name}`} onClick={() => p.narrow(name, value)}>
                    {shown(value, name)}
                  </button>
                )}
              </td>
            </tr>
          ))}
          <tr>
            <th scope="row">size</th>
            <td class="numbers">
              {width} × {height}
              {view?.format ? ` ${shown(view.format, "")}` : ""}
            </td>
          </tr>
          <tr>
            <th scope="row">file</th>
            <td>{shown(view?.url ?? hit.url, "")}</td>
          </tr>
          <tr>
            <th scope="row">id</th>
            <td class="id">{hit.id}</td>
          </tr>
        </tbody>
      </table>
    </aside>
  );
}
