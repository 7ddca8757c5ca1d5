// SPDX-License-Identifier: MIT
// A new dataset of a folder of pictures: a job, then its first embedding table.
import { useEffect, useState } from "preact/hooks";
import { datasets, models, type Model } from "../base/api";
import { load } from "../base/collections";
import { lastPart } from "../base/format";
import { follow } from "../base/jobs";
import { read, write } from "../base/kept";
import { address, go } from "../base/router";
import { Button, Dialog, Failure, Field } from "../parts/ui";
import { FolderPicker } from "../extract/folder_picker";

/** The best that is here: one that takes words, if any. */
export const usable = (list: Model[]) =>
  list
    .filter((m) => m.modality !== "sound" && !m.problem)
    .sort((a, b) => Number(b.text) - Number(a.text) || b.dim - a.dim);

export const tableName = (model: string) => model.replace(/[^A-Za-z0-9_-]+/g, "-");

async function embed(name: string, model: string): Promise<void> {
  await load();
  await datasets.addTable(name, { name: tableName(model), model });
  const { job_id } = await datasets.compute(name, { table: tableName(model) });
  follow(job_id);
}

export function Create({ close }: { close: () => void }) {
  const [folder, setFolder] = useState(read("folder", ""));
  const [name, setName] = useState("");
  const [list, setList] = useState<Model[]>([]);
  const [model, setModel] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    void models().then(
      (answer) => {
        const good = usable(answer.models);
        setList(good);
        setModel(good[0]?.name ?? "");
      },
      (e) => setError(e),
    );
  }, []);
  const choose = (path: string) => {
    setFolder(path);
    setError(null);
  };
  const called = name || lastPart(folder);
  const make = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const { job_id } = await datasets.create({ name: called, folder });
      write("folder", folder);
      follow(job_id, (job) => {
        if (job.state === "done" && model) void embed(called, model);
      });
      close();
      go(address("/jobs"));
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  return (
    <Dialog title="New dataset" close={close}>
      <form onSubmit={(event) => void make(event)}>
        <Field
          label="Folder of pictures"
          hint="On the server's machine, below a folder that akin serve was given with --media."
        >
          {(id) => <FolderPicker id={id} value={folder} of="pictures" set={choose} />}
        </Field>
        <Field label="Name" hint="Of the dataset and of its folder.">
          {(id) => (
            <input
              id={id}
              value={name}
              spellcheck={false}
              placeholder={lastPart(folder)}
              onInput={(e) => setName(e.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Model" hint={list.find((m) => m.name === model)?.about}>
          {(id) => (
            <select id={id} value={model} onChange={(e) => setModel(e.currentTarget.value)}>
              {list.map((m) => (
                <option key={m.name} value={m.name}>
                  {m.name} · {m.text ? "words and pictures" : "pictures only"}
                </option>
              ))}
              <option value="">none for now</option>
            </select>
          )}
        </Field>
        {error !== null && <Failure error={error} />}
        <div class="dialog-foot">
          <Button onClick={close}>Cancel</Button>
          <Button kind="main" submit disabled={busy || !called}>
            Make it
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
