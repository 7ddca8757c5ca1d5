// SPDX-License-Identifier: MIT
// A folder of the server's machine, within those that it was given.
import { useEffect, useState } from "preact/hooks";
import { folders, type Folders } from "../base/api";
import { counted } from "../base/format";
import { Icon } from "../parts/icon";

const LATER_MS = 250; // after the last key

export function FolderPicker(p: {
  id: string;
  value: string;
  of: "sounds" | "pictures";
  set: (path: string) => void;
}) {
  const [here, setHere] = useState<Folders | null>(null);
  const [unknown, setUnknown] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    const wait = setTimeout(() => {
      // What is typed may be none yet: only what looks like one is asked for.
      folders(p.value.startsWith("/") ? p.value : "", abort.signal).then(
        (answer) => {
          setHere(answer);
          setUnknown(false);
        },
        () => !abort.signal.aborted && setUnknown(true),
      );
    }, here ? LATER_MS : 0);
    return () => {
      clearTimeout(wait);
      abort.abort();
    };
  }, [p.value]);
  const list = here?.path ? here.folders : (here?.roots ?? []);
  const n = here?.counts?.[p.of];
  const other = here?.counts?.[p.of === "sounds" ? "pictures" : "sounds"];
  return (
    <div class="picker">
      <input
        id={p.id}
        required
        value={p.value}
        spellcheck={false}
        autocomplete="off"
        placeholder="Choose below, or type its path"
        onInput={(e) => p.set(e.currentTarget.value)}
      />
      {here?.roots.length === 0 && (
        <p class="hint">The server was given no folders. Start it as akin serve PATH --media FOLDER.</p>
      )}
      {(list.length > 0 || here?.path) && (
        <ul class="menu folders" aria-label="Folders">
          {here?.path && (
            <li>
              <button type="button" onClick={() => p.set(here.parent ?? "")}>
                <Icon name="left" size={16} /> {here.parent ?? "all folders"}
              </button>
            </li>
          )}
          {list.map((f) => (
            <li key={f.path}>
              <button type="button" onClick={() => p.set(f.path)}>
                <Icon name="right" size={16} /> {f.name}
              </button>
            </li>
          ))}
        </ul>
      )}
      <p class="hint" role="status">
        {unknown
          ? "This is no folder that the server was given, or below one."
          : here?.path && n !== undefined
            ? `${counted(n, p.of.slice(0, -1))} in and below it${other ? `, and ${counted(other, p.of === "sounds" ? "picture" : "sound")}` : ""}`
            : ""}
      </p>
    </div>
  );
}
