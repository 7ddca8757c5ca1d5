# SPDX-License-Identifier: MIT
"""akin model: what is listed, shown, checked and installed, without ONNX
Runtime; and where models are looked for."""

import json
import os
import pathlib
import shutil
import subprocess

GRAPH = pathlib.Path(os.environ["REPO"]) / "tests/data/onnx/wave_dynamic.onnx"


def card(name, **more):
    return {"schema": 1, "name": name, "modality": "sound", "dim": 4,
            "licence": "MIT", "about": "four statistics; of a test",
            "sound": {"model": "wave.onnx", "sample_rate": 8000,
                      "window_seconds": 1}} | more


def put_model(folder, card, graph=True):
    os.makedirs(folder, exist_ok=True)
    (pathlib.Path(folder) / "model.json").write_text(json.dumps(card))
    if graph:
        shutil.copy(GRAPH, f"{folder}/wave.onnx")


def akin(*args, program="akin", **environment):
    done = subprocess.run([program, *args], capture_output=True, text=True,
                          env=os.environ | environment)
    print("$ akin", *args)
    print(done.stdout + done.stderr + f"exit {done.returncode}")
    return done


def listed(program="akin", **environment):
    done = subprocess.run([program, "model", "list", "--json"], check=True,
                          capture_output=True, text=True,
                          env=os.environ | environment)
    return [(m["name"], m["state"], m["installed"])
            for m in json.loads(done.stdout)["models"]]


# The built-in ones come first, whatever else there is.
print([m for m in listed() if m[1] == "built in"])

# Installed from a folder into the user's own, or the first of AKIN_MODELS.
put_model("from/four", card("four"))
akin("model", "install", "from/four")
akin("model", "install", "from/four", "--json", "--quiet",
     AKIN_MODELS=f"{os.getcwd()}/mine:/nonexistent")
print(sorted(os.listdir("mine/four")))
print([m for m in listed() if m[0] == "four"])
akin("model", "show", "four")
akin("model", "show", "from/four", "--json")

# No runtime: said by check, and by extraction, with a way out.
akin("model", "check", "four")
done = akin("model", "check", "four", "--json")
print(sorted(json.loads(done.stdout)))
akin("extract", "-q", "--model", "four", f"{os.environ['SOUNDS']}/birds",
     "four.db")
akin("model", "check", "mel")
akin("model", "check", "tint")

# Cards that came with the program, one of them without its graph.
os.mkdir("bin")
shutil.copy(shutil.which("akin"), "bin/akin")
put_model("share/akin/models/whole", card("whole"))
put_model("share/akin/models/bare", card("bare"), graph=False)
print([m for m in listed("bin/akin") if m[0] in ("whole", "bare")])
akin("model", "show", "bare", program="bin/akin")
akin("model", "install", "whole", program="bin/akin")
akin("model", "install", "bare", program="bin/akin")

# What is wrong.
akin("model", "show", "fuor")
akin("model", "check", "nosuch")
akin("model", "install", "nosuch")
akin("model", "install", "ftp://host/model.json")
akin("model", "show", "from/nosuch")
akin("extract", "-q", "--model", "fuor", f"{os.environ['SOUNDS']}/birds",
     "x.db")
put_model("mine/wrong", card("wrong", dim=-1))
print([m for m in listed(AKIN_MODELS="mine") if m[0] == "wrong"])
akin("model", "show", "wrong", AKIN_MODELS="mine")
print(os.path.exists("x.db/hoplite.sqlite"), os.path.exists("four.db"))
