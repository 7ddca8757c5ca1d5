# SPDX-License-Identifier: MIT
"""--json prints one object of the promised shape on standard output."""

import json
import os
import subprocess

SOUNDS = os.environ["SOUNDS"]


def akin(*args):
    done = subprocess.run(["akin", *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def show(title, value):
    """The keys and types of an object, one line each."""
    print(title)
    for key, item in value.items():
        kind = type(item).__name__
        if isinstance(item, dict):
            kind = "{" + ", ".join(sorted(item)) + "}"
        if isinstance(item, list) and item and isinstance(item[0], dict):
            kind = "[{" + ", ".join(sorted(item[0])) + "}]"
        print(f"  {key}: {kind}")


open("broken.wav", "w").close()
done = subprocess.run(["akin", "extract", "--json", SOUNDS, "broken.wav",
                       "x.db"], capture_output=True, text=True)
assert done.returncode == 1, done.stderr
show("extract", json.loads(done.stdout))
show("search", akin("search", "x.db", "--file", f"{SOUNDS}/call.wav",
                    "--json"))
several = akin("search", "x.db", "x.db", "--window", "1", "--format", "json")
show("search in two", several)
show("info", akin("info", "x.db", "--json"))
show("verify", akin("verify", "x.db", "--json"))
show("label", akin("label", "x.db", "--window", "1", "--label", "x",
                   "--json"))
show("label --list", akin("label", "x.db", "--list", "--json"))
show("export", akin("export", "x.db", "x.csv", "--json"))
show("model list", akin("model", "list", "--json"))
show("model show", akin("model", "show", "mel", "--json"))
show("help", akin("help", "--json"))

info = akin("info", "x.db", "--json")
assert info["counts"]["windows"] == info["counts"]["vectors"] > 0
assert info["counts"]["pending"] == 0
hits = akin("search", "x.db", "--window", "1", "-n", "1000",
            "--json")["results"]
assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
assert len(hits) == info["counts"]["windows"] - 1
scores = [hit["score"] for hit in hits]
assert scores == sorted(scores, reverse=True)
print("counts, ranks and order hold")
