// SPDX-License-Identifier: MIT
// Icons: lines of one weight on a grid of 20.
const paths = {
  home: "M3 9.5 10 3.5l7 6M5 8.5V16.5h10V8.5M8.5 16.5v-5h3v5",
  search: "M8.75 14.5a5.75 5.75 0 1 0 0-11.5 5.75 5.75 0 0 0 0 11.5zM13 13l4.5 4.5",
  map: "M5 6.5h.01M8.5 4h.01M7 10h.01M11.5 8.5h.01M14.5 5.5h.01M13.5 12h.01M16.5 9.5h.01M9.5 14h.01M5 14.5h.01M14.5 16h.01",
  labels: "M3.5 3.5h6l7 7-6 6-7-7zM6.75 6.75h.01",
  extract: "M10 3v8.5M6.5 8.5 10 12l3.5-3.5M3.5 13v3.5h13V13",
  jobs: "M3.5 5.5h13M3.5 10h13M3.5 14.5h7.5",
  sun: "M10 13.25a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5zM10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.3l1.4 1.4M14.3 14.3l1.4 1.4M4.3 15.7l1.4-1.4M14.3 5.7l1.4-1.4",
  moon: "M16.5 11.5A6.8 6.8 0 0 1 8.5 3.5a6.8 6.8 0 1 0 8 8z",
  screen: "M3 4.5h14v9H3zM7 16.5h6M10 13.5v3",
  help: "M7.5 7.5a2.5 2.5 0 1 1 3.6 2.25c-.8.4-1.1.9-1.1 1.75M10 14.5h.01",
  close: "M5 5l10 10M15 5 5 15",
  picture: "M3.5 4h13v12h-13zM3.5 13l4-4 4 4 2-2 3 3M12.5 7.5h.01",
  plus: "M10 4.5v11M4.5 10h11",
  minus: "M4.5 10h11",
  down: "M5.5 8l4.5 4.5L14.5 8",
  left: "M12 5l-5 5 5 5",
  right: "M8 5l5 5-5 5",
  first: "M14 5l-5 5 5 5M6 5v10",
  last: "M6 5l5 5-5 5M14 5v10",
  check: "M4.5 10.5 8.5 14.5l7-8.5",
  like: "M8 14a6 6 0 1 1 0-12 6 6 0 0 1 0 12zM12.5 12.5l4.5 4.5M5.5 8h5M8 5.5v5",
  filter: "M3.5 5h13M6 10h8M8.5 15h3",
  download: "M10 3v9M6.5 8.5 10 12l3.5-3.5M4 16.5h12",
  copy: "M7 7h9v9H7zM4 13V4h9",
  sound: "M3 10h.01M6.5 7.5v5M10 4.5v11M13.5 7v6M17 9.5v1",
  undo: "M4 8h8a4 4 0 0 1 0 8H8M4 8l3.5-3.5M4 8l3.5 3.5",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
