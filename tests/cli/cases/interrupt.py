# SPDX-License-Identifier: MIT
"""Ctrl-C in the middle of a run: exit 130, a valid database that keeps what
was done, and a second run that completes it."""

import json
import os
import re
import signal
import subprocess
import time

import sounds

MINUTES = 60


def akin(*args):
    return subprocess.run(["akin", *args], capture_output=True, text=True)


def start():
    """A run, once it has written its first windows."""
    run = subprocess.Popen(["akin", "extract", "-t", "1", "--progress", "in",
                            "long.db"], stderr=subprocess.PIPE, text=True)
    seen = ""
    while run.poll() is None and not re.search(r"\b[1-9]\d* windows", seen):
        seen += run.stderr.read(1)
    return run


os.mkdir("in")
sounds.write_long_wav("in/long.wav", MINUTES)
run = start()
run.send_signal(signal.SIGINT)
text = run.stderr.read()
print("exit", run.wait())
print(re.sub(r"\d+ new windows", "N new windows",
             text[text.index("stopped"):].strip()))
kept = json.loads(akin("info", "long.db", "--json").stdout)["counts"]
print("some kept:", 0 < kept["windows"] < MINUTES * 20)
print("each with a vector:", kept["windows"] == kept["vectors"])
print("verify:", akin("verify", "long.db").returncode)

# The second Ctrl-C does not wait.
run = start()
run.send_signal(signal.SIGINT)
run.send_signal(signal.SIGINT)
begin = time.monotonic()
print("exit", run.wait(), "soon" if time.monotonic() - begin < 5 else "late")
run.stderr.close()

print("second run:", akin("extract", "in", "long.db").returncode)
counts = json.loads(akin("info", "long.db", "--json").stdout)["counts"]
print("complete:", counts["windows"] == counts["vectors"] == MINUTES * 20)
print("verify:", akin("verify", "long.db").returncode)
