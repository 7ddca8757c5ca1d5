// SPDX-License-Identifier: MIT
// Recordings into a database: a folder, a model and how it is heard. What a database
// has stored already is locked, for its windows must stay comparable.
import { useEffect, useState } from "preact/hooks";
import { extract, models, type Model } from "../base/api";
import { currentDatabase, databases } from "../base/collections";
import { lastPart } from "../base/format";
import { follow } from "../base/jobs";
import { address, go } from "../base/router";
import { Button, Failure, Field } from "../parts/ui";
import { FolderPicker } from "./folder_picker";

const fields = [
  { name: "overlap", label: "Overlap in s", hint: "of windows that follow each other", step: "0.1", min: 0 },
  { name: "audio_speed", label: "Speed", hint: "0.1 brings ultrasound of bats into the model's range", step: "0.01", min: 0.01 },
  { name: "fmin", label: "Lowest Hz", hint: "what is below is filtered out", step: "1", min: 0 },
  { name: "fmax", label: "Highest Hz", hint: "what is above is filtered out", step: "1", min: 0 },
] as const;

const working = [
  { name: "batch_size", label: "Windows a batch", hint: "8 if nothing is given" },
  { name: "threads", label: "Threads", hint: "all if nothing is given" },
] as const;

export function Extract() {
  const [folder, setFolder] = useState("");
  const [typed, setName] = useState<string | null>(null);
  const name = typed ?? currentDatabase.value?.id ?? "";
  const [list, setList] = useState<Model[]>([]);
  const [model, setModel] = useState("mel");
  const [given, setGiven] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    void models().then((a) => setList(a.models.filter((m) => m.modality === "sound" && !m.problem)), setError);
  }, []);
  const called = name || (folder ? `${lastPart(folder)}.db` : "");
  const known = databases.value?.find((d) => d.id === called);
  const start = async (event: Event) => {
    event.preventDefault();
    const body: Record<string, unknown> = { inputs: [folder] };
    if (!known) body.model = model;
    for (const f of known ? working : [...fields, ...working])
      if (given[f.name]) body[f.name] = Number(given[f.name]);
    try {
      const { job_id } = await extract(called, body);
      follow(job_id);
      go(address("/jobs", { in: known ? called : null }));
    } catch (e) {
      setError(e);
    }
  };
  const stored = (field: string) => {
    const value = known?.settings[field as "overlap"];
    return value === null || value === undefined ? "" : String(value);
  };
  return (
    <div class="page extract">
      <div class="page-head">
        <h1>Extract</h1>
        <p class="muted">Recordings are cut into windows, and each is embedded by a model.</p>
      </div>
      <form class="form" onSubmit={(event) => void start(event)}>
        <Field label="Folder of recordings">
          {(id) => <FolderPicker id={id} value={folder} of="sounds" set={setFolder} />}
        </Field>
        <Field
          label="Database"
          hint={
            known
              ? "It is there: what is new in the folder is added, by the model and the settings that it has."
              : "A new one of this name is made. What is complete is passed over when it is started again."
          }
        >
          {(id) => (
            <input
              id={id}
              value={name}
              spellcheck={false}
              placeholder={called || "birds.db"}
              onInput={(e) => setName(e.currentTarget.value.trim())}
            />
          )}
        </Field>
        <Field label="Model" hint={known ? "Stored in the database: vectors of two models never meet." : list.find((m) => m.name === model)?.about}>
          {(id) => (
            <select id={id} value={known ? known.model.name : model} disabled={!!known} onChange={(e) => setModel(e.currentTarget.value)}>
              {known && <option>{known.model.name}</option>}
              {!known && list.map((m) => <option key={m.name}>{m.name}</option>)}
            </select>
          )}
        </Field>
        <div class="pairs">
          {fields.map((f) => (
            <Field key={f.name} label={f.label} hint={known ? "stored in the database" : f.hint}>
              {(id) => (
                <input
                  id={id}
                  type="number"
                  step={f.step}
                  min={f.min}
                  disabled={!!known}
                  value={known ? stored(f.name) : (given[f.name] ?? "")}
                  onInput={(e) => setGiven({ ...given, [f.name]: e.currentTarget.value })}
                />
              )}
            </Field>
          ))}
          {working.map((f) => (
            <Field key={f.name} label={f.label} hint={f.hint}>
              {(id) => (
                <input
                  id={id}
                  type="number"
                  min={1}
                  value={given[f.name] ?? ""}
                  onInput={(e) => setGiven({ ...given, [f.name]: e.currentTarget.value })}
                />
              )}
            </Field>
          ))}
        </div>
        {error !== null && <Failure error={error} />}
        <div>
          <Button kind="main" submit disabled={!folder || !called}>
            Start
          </Button>
        </div>
      </form>
    </div>
  );
}
