// SPDX-License-Identifier: MIT
// What a point of a map is: its picture or spectrogram, its recording and its time.
import { useEffect, useState } from "preact/hooks";
import { databases, is, media, type Database, type Window } from "../base/api";
import { moment, when } from "../base/format";
import { address } from "../base/router";
import { Button } from "../parts/ui";
import { playing, toggle } from "../sounds/player";
import { Spectrogram } from "../sounds/spectrogram";

const WAIT_MS = 80; // a pointer passes over many

export const soundOf = (db: string, id: number) => `${media.window(db, id)}/sound?as=heard`;

export function Card(p: { db: Database; id: number; marked: boolean; mark: () => void; close: () => void }) {
  const [window, setWindow] = useState<Window | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    setProblem("");
    const timer = setTimeout(() => {
      databases.window(p.db.id, p.id, abort.signal).then(setWindow, (error: Error) => {
        if (abort.signal.aborted) return;
        setWindow(null);
        setProblem(is(error) && error.status === 404 ? "This window is gone since the map was made." : error.message);
      });
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [p.db.id, p.id]);
  if (problem) return <aside class="map-card">{problem}</aside>;
  if (!window) return null;
  const pictures = p.db.modality === "image";
  const url = media.window(p.db.id, window.window_id);
  const sound = soundOf(p.db.id, window.window_id);
  const now = playing.value?.url === sound ? playing.value.at : null;
  return (
    <aside class="map-card" aria-label="Point">
      {pictures ? (
        <img class="levels picture" src={`${url}/picture?size=320`} alt="" />
      ) : (
        <Spectrogram url={url} width={320} height={96} cursor={now} />
      )}
      <div class="sound-line">
        <span class="name" title={window.recording}>
          <bdi dir="ltr">{window.recording}</bdi>
        </span>
      </div>
      <div class="sound-line muted numbers">
        <span>{pictures && window.end === 0 ? "" : `${moment(window.start)} – ${moment(window.end)}`}</span>
        <span>{window.datetime ? when(window.datetime) : ""}</span>
      </div>
      {window.labels.length > 0 && <p class="muted">{window.labels.join(", ")}</p>}
      <div class="row">
        {!pictures && (
          <Button shortcut="Space" onClick={() => toggle(sound)}>
            {now === null ? "Play" : "Stop"}
          </Button>
        )}
        <a class="button plain" href={address("/search", { in: p.db.id, like: window.window_id })}>
          Find similar
        </a>
        <Button kind="quiet" icon="check" label="Mark" shortcut="X" pressed={p.marked} onClick={p.mark} />
        <Button kind="quiet" icon="close" label="Close" onClick={p.close} />
      </div>
    </aside>
  );
}
