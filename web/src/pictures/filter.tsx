// SPDX-License-Identifier: MIT
// The filter: conditions on fields one after the other, or the text of a `where`.
import { useEffect, useState } from "preact/hooks";
import { datasets, type Column, type Dataset } from "../base/api";
import { Icon } from "../parts/icon";
import { Button, Field, Pop } from "../parts/ui";
import { operatorsOf, parse, words, write, type Condition, type Operator } from "./where";

const MANY = 40;

export const columnsOf = (dataset: Dataset): Column[] =>
  dataset.tables?.find((t) => t.group === "item")?.columns ?? [];

/** Values that a field has, to choose from, where they are few. */
function useChoices(dataset: string, field: string, type: string): string[] {
  const [choices, setChoices] = useState<string[]>([]);
  useEffect(() => {
    setChoices([]);
    if (type !== "str" || field === "id") return;
    let over = false;
    void datasets.rows(dataset, "item", [["limit", "1000"]]).then(
      ({ rows }) => {
        const all = new Set(rows.map((r) => r[field]).filter((v) => typeof v === "string" && v));
        if (!over && all.size <= MANY) setChoices(([...all] as string[]).sort());
      },
      () => {},
    );
    return () => {
      over = true;
    };
  }, [dataset, field, type]);
  return choices;
}

function Builder(p: { dataset: Dataset; add: (c: Condition) => void }) {
  const columns = columnsOf(p.dataset);
  const own = columns.filter((c) => !["id", "created_at", "updated_at", "split"].includes(c.name));
  const first = (own[0] ?? columns[0])?.name ?? "id";
  const [field, setField] = useState(first);
  const type = columns.find((c) => c.name === field)?.type ?? "str";
  const [operator, setOperator] = useState<Operator>("=");
  const [value, setValue] = useState("");
  const choices = useChoices(p.dataset.id, field, type);
  const operators = operatorsOf(type);
  const chosen = operators.includes(operator) ? operator : operators[0]!;
  const needs = !chosen.startsWith("is ");
  const ordered = [...own, ...columns.filter((c) => !own.includes(c))];
  return (
    <form
      class="builder"
      onSubmit={(event) => {
        event.preventDefault();
        p.add({ field, operator: chosen, value: needs ? value : "" });
      }}
    >
      <Field label="Field">
        {(id) => (
          <select
            id={id}
            value={field}
            autofocus
            onChange={(e) => {
              setField(e.currentTarget.value);
              setValue("");
            }}
          >
            {ordered.map((c) => (
              <option key={c.name}>{c.name}</option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Condition">
        {(id) => (
          <select id={id} value={chosen} onChange={(e) => setOperator(e.currentTarget.value as Operator)}>
            {operators.map((o) => (
              <option key={o} value={o}>
                {words[o]}
              </option>
            ))}
          </select>
        )}
      </Field>
      {needs && (
        <Field label="Value">
          {(id) =>
            type === "bool" ? (
              <select id={id} value={value || "true"} onChange={(e) => setValue(e.currentTarget.value)}>
                <option value="true">yes</option>
                <option value="false">no</option>
              </select>
            ) : choices.length && chosen !== "like" ? (
              <select id={id} value={value} required onChange={(e) => setValue(e.currentTarget.value)}>
                <option value="">choose</option>
                {choices.map((c) => (
                  <option key={c}>{c}</option>
                ))}
              </select>
            ) : (
              <input
                id={id}
                required
                value={value}
                inputMode={type === "int" || type === "float" ? "decimal" : "text"}
                placeholder={type === "datetime" ? "2024-05-31" : ""}
                onInput={(e) => setValue(e.currentTarget.value)}
              />
            )
          }
        </Field>
      )}
      <Button kind="main" submit>
        Add
      </Button>
    </form>
  );
}

function Raw(p: { where: string; set: (where: string) => void }) {
  const [text, setText] = useState(p.where);
  return (
    <form
      class="raw"
      onSubmit={(event) => {
        event.preventDefault();
        p.set(text.trim());
      }}
    >
      <Field label="where" hint="As in SQL: kind in ('ship', 'truck') and not title like '%draft%'">
        {(id) => (
          <textarea
            id={id}
            rows={3}
            spellcheck={false}
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "Enter" && !e.shiftKey) {
                e.preventDefault();
                p.set(text.trim());
              }
            }}
          />
        )}
      </Field>
      <Button kind="main" submit>
        Apply
      </Button>
    </form>
  );
}

export function Filter(p: { dataset: Dataset; where: string; set: (where: string) => void }) {
  const columns = columnsOf(p.dataset);
  const conditions = parse(p.where);
  const [raw, setRaw] = useState(false);
  const put = (all: Condition[]) => p.set(write(all, columns));
  return (
    <>
      {conditions?.map((c, i) => (
        <span class="chip" key={i}>
          <span>
            {c.field} <span class="muted">{words[c.operator]}</span> {c.value}
          </span>
          <button type="button" aria-label={`Take the filter on ${c.field} away`} onClick={() => put(conditions.toSpliced(i, 1))}>
            <Icon name="close" size={14} />
          </button>
        </span>
      ))}
      {!conditions && (
        <span class="chip">
          <code>{p.where}</code>
          <button type="button" aria-label="Take the filter away" onClick={() => p.set("")}>
            <Icon name="close" size={14} />
          </button>
        </span>
      )}
      <Pop
        label="Filter"
        class="filter"
        button={
          <>
            <Icon name="filter" size={16} />
            Filter
          </>
        }
      >
        {(close) => (
          <>
            <div class="tabs">
              <Button kind="quiet" pressed={!raw && !!conditions} disabled={!conditions} onClick={() => setRaw(false)}>
                By field
              </Button>
              <Button kind="quiet" pressed={raw || !conditions} onClick={() => setRaw(true)}>
                As text
              </Button>
            </div>
            {raw || !conditions ? (
              <Raw
                where={p.where}
                set={(where) => {
                  close();
                  p.set(where);
                }}
              />
            ) : (
              <Builder
                dataset={p.dataset}
                add={(c) => {
                  close();
                  put([...conditions, c]);
                }}
              />
            )}
          </>
        )}
      </Pop>
    </>
  );
}
