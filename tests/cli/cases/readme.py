# SPDX-License-Identifier: MIT
"""The examples of the README that are marked for it run as they stand."""

import os
import pathlib
import re
import shutil
import subprocess

import sounds

SOUNDS = pathlib.Path(os.environ["SOUNDS"])
README = pathlib.Path(os.environ["REPO"]) / "README.md"

shutil.copytree(SOUNDS / "birds", "recordings")
shutil.copy(SOUNDS / "call.wav", "call.wav")
sounds.write_wav("more.wav", [(sounds.hiss, 40)])
blocks = re.findall(r"<!-- test.*?-->\n```sh\n(.*?)```", README.read_text(),
                    re.S)
print(len(blocks), "blocks")
for block in blocks:
    for line in re.sub(r"\\\n\s*", "", block).strip().split("\n"):
        done = subprocess.run(["bash", "-c", line], capture_output=True,
                              text=True)
        print(done.returncode, line)
        if done.returncode:
            print(done.stderr)
