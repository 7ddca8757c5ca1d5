// SPDX-License-Identifier: MIT
// Long work: what runs, what waits, what was done and what went wrong in it.
import { useEffect, useState } from "preact/hooks";
import { jobs, type Job } from "../base/api";
import { count, counted, duration, lastPart, when } from "../base/format";
import { cancel, list, moving } from "../base/jobs";
import { csv, download } from "../base/marks";
import { address } from "../base/router";
import { Bar, Button, Empty, Failure } from "../parts/ui";

const kinds: Record<string, string> = {
  import: "Import",
  compute: "Embeddings",
  tag: "Labels",
  duplicates: "Duplicates",
  extract: "Extract",
  map: "Map",
};

export function jobTitle(job: Job): string {
  return `${kinds[job.kind] ?? job.kind} · ${lastPart(job.target)}`;
}

const states: Record<Job["state"], string> = {
  queued: "waits",
  running: "runs",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
};

/** What a result says, in numbers. */
function outcome(job: Job): string {
  return Object.entries(job.result ?? {})
    .filter(([name, value]) => typeof value === "number" && name !== "elapsed_s")
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${count(value as number)}`)
    .join(" · ");
}

function Log({ job }: { job: Job }) {
  const [messages, setMessages] = useState<{ subject: string; text: string }[]>([]);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (open) void jobs.get(job.id).then((j) => setMessages(j.messages ?? []), () => {});
  }, [open, job.id, job.n_messages]);
  if (!job.n_messages) return null;
  const cut = job.n_messages - messages.length;
  const save = () => download(`${job.id}.csv`, csv(["file", "reason"], messages.map((m) => [m.subject, m.text])));
  return (
    <details class="log" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{counted(job.n_messages, "file was", "files were")} passed over</summary>
      {messages.length > 0 && (
        <>
          <ul tabIndex={0} aria-label="Files that were passed over">
            {messages.map((m, i) => (
              <li key={i}>
                <strong>{m.subject}</strong> {m.text}
              </li>
            ))}
          </ul>
          <div class="row">
            <Button kind="quiet" icon="download" onClick={save}>
              As CSV
            </Button>
            {cut > 0 && (
              <span class="muted">
                the last {count(messages.length)}; {count(cut)} before them are not kept
              </span>
            )}
          </div>
        </>
      )}
    </details>
  );
}

function Progress({ job }: { job: Job }) {
  return (
    <>
      <Bar fraction={job.fraction} label={jobTitle(job)} />
      <p class="muted numbers job-line">
        <span>
          {job.phase ? `${job.phase} · ` : ""}
          {job.total ? `${count(job.done)} of ${count(job.total)}` : `${Math.round(job.fraction * 100)} %`}
        </span>
        <span class="file">
          <bdi dir="ltr">{job.file ?? ""}</bdi>
        </span>
        <span>
          {duration(job.elapsed_s)}
          {job.audio_s && job.elapsed_s ? ` · ${Math.round(job.audio_s / job.elapsed_s)} × realtime` : ""}
          {job.remaining_s ? ` · ${duration(job.remaining_s)} left` : ""}
        </span>
      </p>
    </>
  );
}

function One({ job: listed, whole }: { job: Job; whole: boolean }) {
  const [error, setError] = useState<unknown>(null);
  const [full, setFull] = useState<Job | null>(null);
  // The list of all jobs leaves their results out.
  const asks = whole && !moving(listed) && !listed.result;
  useEffect(() => {
    if (asks) void jobs.get(listed.id).then(setFull, () => {});
  }, [asks, listed.id]);
  const job = asks && full ? { ...listed, result: full.result } : listed;
  return (
    <li class={`job ${job.state}`}>
      <div class="job-head">
        <h2>{jobTitle(job)}</h2>
        <span class={`state ${job.state}`}>{job.cancelling && moving(job) ? "is being cancelled" : states[job.state]}</span>
        <span class="space" />
        <time class="muted numbers">{when(job.created_at)}</time>
        {moving(job) && (
          <Button disabled={job.cancelling} onClick={() => void cancel(job.id).catch(setError)}>
            Cancel
          </Button>
        )}
      </div>
      {job.state === "running" && <Progress job={job} />}
      {!moving(job) && (
        <p class="muted numbers">
          {duration(job.elapsed_s)}
          {outcome(job) && ` · ${outcome(job)}`}
        </p>
      )}
      {job.state === "cancelled" && <p class="muted">What was done is kept; the next job goes on from there.</p>}
      {job.error && (
        <div class="failure">
          <p class="what">{job.error}</p>
        </div>
      )}
      {error !== null && <Failure error={error} />}
      <Log job={job} />
    </li>
  );
}

export function Jobs() {
  const all = list.value;
  return (
    <div class="page jobs">
      <div class="page-head">
        <h1>Jobs</h1>
      </div>
      {all?.length === 0 && (
        <Empty
          icon="jobs"
          title="No jobs yet"
          action={
            <a class="button main" href={address("/")}>
              Go to the home page
            </a>
          }
        >
          Making a dataset, computing embeddings and labelling are jobs. They go on while you search, and end up here.
        </Empty>
      )}
      {all && all.length > 0 && (
        <ul class="plain">
          {all.map((job, i) => (
            <One key={job.id} job={job} whole={i < 20} />
          ))}
        </ul>
      )}
    </div>
  );
}
