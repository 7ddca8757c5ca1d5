// SPDX-License-Identifier: MIT
// The frame: a rail of pages, what is in use at the top, and the page.
import { signal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { all, current, currentDatabase, databases, embeddings, load } from "./base/collections";
import { counted, duration, lastPart } from "./base/format";
import { active, begin } from "./base/jobs";
import { layersVersion, shownKeys, useKeys } from "./base/keys";
import { theme, type Theme } from "./base/kept";
import { address, follow, go, inUse, page, type Page } from "./base/router";
import { Extract } from "./extract/extract";
import { Home } from "./home/home";
import { Jobs, jobTitle } from "./jobs/jobs";
import { MapPage } from "./map/map";
import { Icon, type IconName } from "./parts/icon";
import { Bar, Button, Dialog, Pop } from "./parts/ui";
import { Labels } from "./pictures/labels";
import { Search } from "./pictures/search";
import { SoundLabels } from "./sounds/labels";
import { SearchSounds } from "./sounds/search";

const keysShown = signal(false);

const places: { page: Page; path: string; icon: IconName; word: string }[] = [
  { page: "home", path: "/", icon: "home", word: "Home" },
  { page: "search", path: "/search", icon: "search", word: "Search" },
  { page: "map", path: "/map", icon: "map", word: "Map" },
  { page: "labels", path: "/labels", icon: "labels", word: "Labels" },
  { page: "extract", path: "/extract", icon: "extract", word: "Extract" },
  { page: "jobs", path: "/jobs", icon: "jobs", word: "Jobs" },
];

function Rail() {
  return (
    <nav class="rail" aria-label="Pages of akin">
      {places.map((p) => (
        <a
          key={p.page}
          href={address(p.path, { in: inUse.value })}
          aria-current={page.value === p.page ? "page" : undefined}
        >
          <Icon name={p.icon} size={22} />
          <span>{p.word}</span>
          {p.page === "jobs" && active.value.length > 0 && <span class="badge">{active.value.length}</span>}
        </a>
      ))}
    </nav>
  );
}

/** What is in use, with its models and counts; others are one click away. */
function Switcher() {
  const now = current.value;
  const sounds = currentDatabase.value;
  const others = all.value ?? [];
  const ofSounds = (databases.value ?? []).filter((d) => !d.problem);
  const models = [...new Set(embeddings(now).map((t) => t.model))].filter(Boolean);
  if (!others.length && !ofSounds.length) return <span class="brand">akin</span>;
  return (
    <Pop
      class="switcher"
      label="Choose what to search"
      button={
        <>
          <strong>{now?.name ?? (inUse.value || "Choose what to search")}</strong>
          {sounds && (
            <span class="muted wide-only">
              {sounds.model.name} · {counted(sounds.counts.windows, "window")} · {counted(sounds.counts.recordings, "recording")}
            </span>
          )}
          {now && (
            <span class="muted wide-only">
              {models.join(", ") || "no embeddings"} · {counted(now.num_items, "item")}
            </span>
          )}
          <Icon name="down" size={16} />
        </>
      }
    >
      {(close) => (
        <ul class="menu">
          {ofSounds.map((d) => (
            <li key={d.path}>
              <a
                href={address("/search", { in: d.id })}
                aria-current={sounds === d ? "true" : undefined}
                onClick={close}
              >
                <Icon name="sound" size={18} />
                <strong>{d.id}</strong>
                <span class="muted">{counted(d.counts.windows, "window")}</span>
              </a>
            </li>
          ))}
          {others.map((d) => (
            <li key={d.path}>
              <a
                href={address("/search", { in: d.id ?? lastPart(d.path) })}
                aria-current={now === d ? "true" : undefined}
                onClick={close}
              >
                <Icon name="picture" size={18} />
                <strong>{d.name ?? lastPart(d.path)}</strong>
                <span class="muted">
                  {d.problem ? "cannot be opened" : counted(d.num_items, "item")}
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </Pop>
  );
}

const themes: { is: Theme; icon: IconName; next: Theme; word: string }[] = [
  { is: "system", icon: "screen", next: "light", word: "as the system has it" },
  { is: "light", icon: "sun", next: "dark", word: "light" },
  { is: "dark", icon: "moon", next: "system", word: "dark" },
];

function ThemeButton() {
  const now = themes.find((t) => t.is === theme.value) ?? themes[0]!;
  return (
    <Button
      kind="quiet"
      icon={now.icon}
      label={`Colours: ${now.word}`}
      onClick={() => {
        theme.value = now.next;
      }}
    />
  );
}

/** A thin bar over everything while a job runs. */
function Running() {
  const job = active.value.find((j) => j.state === "running") ?? active.value[0];
  if (!job) return null;
  return (
    <>
      <div class="running-bar">
        <Bar fraction={job.fraction} label={jobTitle(job)} />
      </div>
      <a class="running wide-only" href={address("/jobs", { in: inUse.value })}>
        {jobTitle(job)} · {Math.round(job.fraction * 100)} %
        {job.remaining_s ? ` · ${duration(job.remaining_s)} left` : ""}
        {active.value.length > 1 ? ` · ${active.value.length - 1} more` : ""}
      </a>
    </>
  );
}

function KeyList() {
  layersVersion.value;
  const keys = shownKeys();
  return (
    <Dialog title="Keys" close={() => (keysShown.value = false)}>
      <dl class="keys">
        {[...keys, { shown: "Esc", does: "close what was opened last" }].map((k) => (
          <div key={k.shown}>
            <dt>
              {k.shown.split(" ").map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{k.does}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">
        akin is free software; its browser part holds <a href="/licences.txt" target="_blank">these packages</a>.
      </p>
    </Dialog>
  );
}

function PageBody() {
  switch (page.value) {
    case "home":
      return <Home />;
    case "search":
      return currentDatabase.value && !currentDatabase.value.problem ? (
        <SearchSounds key={currentDatabase.value.id} db={currentDatabase.value} />
      ) : (
        <Search />
      );
    case "labels":
      return currentDatabase.value && !currentDatabase.value.problem ? (
        <SoundLabels key={currentDatabase.value.id} db={currentDatabase.value} />
      ) : (
        <Labels />
      );
    case "jobs":
      return <Jobs />;
    case "extract":
      return <Extract key={inUse.value} />;
    case "map":
      return <MapPage key={inUse.value} />;
    default:
      return <Home />;
  }
}

function App() {
  useKeys([
    { keys: ["?"], shown: "?", does: "show the keys", run: () => (keysShown.value = true) },
    {
      keys: ["/"],
      shown: "/",
      does: "go to the search bar",
      run: () => {
        const bar = document.querySelector<HTMLInputElement>("#query");
        if (bar) bar.focus();
        else go(address("/search", { in: inUse.value }));
      },
    },
  ]);
  useEffect(() => {
    const word = places.find((p) => p.page === page.value)?.word ?? "akin";
    const used = current.value?.name ?? currentDatabase.value?.id;
    document.title = used ? `${used} · ${word} · akin` : `${word} · akin`;
  });
  return (
    <div class="frame" onClick={follow}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Rail />
      <header class="top">
        <Switcher />
        <Running />
        <span class="space" />
        <Button kind="quiet" icon="help" label="Keys" shortcut="?" onClick={() => (keysShown.value = true)} />
        <ThemeButton />
      </header>
      <main id="main" tabIndex={-1}>
        <PageBody />
      </main>
      {keysShown.value && <KeyList />}
    </div>
  );
}

begin();
void load();
render(<App />, document.getElementById("app")!);
