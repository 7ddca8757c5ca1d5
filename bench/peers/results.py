#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps what peers measured as CSV, and shows it by recall.

usage: results.py add SET LINES.jsonl RESULTS.csv
       results.py show RESULTS.csv...

add replaces what the file holds of this set's same engines. show prints for
each engine, at its settings, queries a second at two recalls: log-linear
between two efforts, or of the smallest effort if that is above the recall. A
ratio is akin's speed by the peer's, above 1 where akin is faster; of several
settings of akin the fastest counts.
"""
import csv
import json
import math
import os
import re
import sys

COLUMNS = ["set", "engine", "params", "build_s", "threads", "bytes",
           "recall10", "qps", "p50_us", "p99_us"]
RECALLS = [0.95, 0.99]


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def read_lines(set_name, path):
    with open(path) as file:
        return [dict(json.loads(line), set=set_name) for line in file]


def add(set_name, lines_path, csv_path):
    new = read_lines(set_name, lines_path)
    engines = {row["engine"] for row in new}
    old = read_csv(csv_path) if os.path.exists(csv_path) else []
    kept = [row for row in old
            if row["set"] != set_name or row["engine"] not in engines]
    rows = sorted(kept + new, key=lambda row: row["set"])
    with open(csv_path + ".new", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore",
                                lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(csv_path + ".new", csv_path)


def sweeps(rows):
    """Rows by set, engine and settings without the effort, in their order."""
    found = {}
    for row in rows:
        if row["params"].startswith("exact"):
            continue  # no sweep: one answer at one cost
        settings = re.sub(r",?\b(ef|effort)=\d+", "", row["params"])
        key = row["set"], row["engine"], settings
        found.setdefault(key, []).append(row)
    return found


def qps_at(sweep, recall):
    points = sorted((float(r["recall10"]), float(r["qps"])) for r in sweep)
    below = None
    for at in points:
        if at[0] >= recall:
            break
        below = at
    else:
        return None
    if below is None:
        # all are above: the one of the least effort
        return max(qps for _, qps in points)
    share = (recall - below[0]) / (at[0] - below[0])
    return math.exp((1 - share) * math.log(below[1]) + share * math.log(at[1]))


def text(value, form="%.0f"):
    return "-" if value is None else form % value


def show(paths):
    found = sweeps([row for path in paths for row in read_csv(path)])
    speeds = {key: [qps_at(rows, r) for r in RECALLS]
              for key, rows in found.items()}
    table = [["set", "engine", "settings"] +
             ["q/s at %g" % r for r in RECALLS] + ["build s", "MB"] +
             ["akin by it at %g" % r for r in RECALLS]]
    for key in sorted(found, key=lambda k: k[0]):
        first = found[key][0]
        ratios = []
        for i, speed in enumerate(speeds[key]):
            own = [speeds[k][i] for k in found
                   if k[:2] == (key[0], "akin") and speeds[k][i]]
            ratios.append(max(own) / speed if own and speed else None)
        table.append(list(key) + [text(s) for s in speeds[key]] +
                     [text(float(first["build_s"]), "%.1f"),
                      text(float(first["bytes"]) / 1e6)] +
                     [text(r, "%.2f") for r in ratios])
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        print("  ".join(cell.ljust(w) if i < 3 else cell.rjust(w)
                        for i, (cell, w) in enumerate(zip(row, widths))))


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "add":
        add(*sys.argv[2:])
    elif len(sys.argv) > 2 and sys.argv[1] == "show":
        show(sys.argv[2:])
    else:
        sys.exit(__doc__.split("\n\n")[1])


if __name__ == "__main__":
    main()
