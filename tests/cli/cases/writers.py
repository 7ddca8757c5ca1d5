# SPDX-License-Identifier: MIT
"""Two writers: the second one is told after a while, or waits its turn;
readers are let in at any time."""

import json
import os
import signal
import subprocess
import time

import sounds


def akin(*args):
    return subprocess.run(["akin", *args], capture_output=True, text=True)


os.mkdir("in")
sounds.write_long_wav("in/long.wav", 60)
sounds.write_wav("other.wav", [(sounds.hum, 3)])
first = subprocess.Popen(["akin", "extract", "-q", "-t", "1", "in", "x.db"])
while first.poll() is None:
    info = akin("info", "x.db", "--json")
    if info.returncode == 0 and json.loads(info.stdout)["counts"]["windows"]:
        break
first.send_signal(signal.SIGSTOP)
second = akin("extract", "other.wav", "x.db")
print("second writer: exit", second.returncode)
print(second.stderr, end="")
print("reader: exit", akin("info", "x.db").returncode)
third = subprocess.Popen(["akin", "label", "x.db", "--window", "1", "--label",
                          "x"], stderr=subprocess.PIPE, text=True)
time.sleep(0.5)
first.send_signal(signal.SIGINT)
first.send_signal(signal.SIGCONT)
print("first: exit", first.wait())
print("waiting writer: exit", third.wait())
print(third.stderr.read(), end="")
print("verify: exit", akin("verify", "x.db").returncode)
