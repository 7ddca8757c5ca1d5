# SPDX-License-Identifier: MIT
"""The vectors of akin's built-in model `mel` for the windows that are measured."""
import csv
import os
import shutil
import subprocess

import numpy as np

import features


def extract(akin, root, work):
    """ESC-10 through the program itself; windows of 3 s every 2 s."""
    path = os.path.join(work, "mel.csv")
    if os.path.exists(path):
        return path
    database = os.path.join(work, "mel.db")
    shutil.rmtree(database, ignore_errors=True)
    # Some clips are a few ms short of 5 s: asked for 3 s, their last window would be missing.
    subprocess.run([akin, "extract", root, database, "--model", "mel", "--overlap", "1", "--min-length", "1.5",
                    "--audio-root", root, "--threads", "1", "-q"], check=True)
    subprocess.run([akin, "export", database, path, "-q"], check=True)
    return path


def load(akin, root, work, data, clip, start):
    """[n, 128] of length 1, one for each window (clip[i], start[i])."""
    with open(extract(akin, root, work), newline="") as file:
        rows = {(row["file_path"], float(row["start"])): row["embedding"] for row in csv.DictReader(file)}
    vectors = np.array([np.array(rows[data["names"][c], float(s)].split(","), float) for c, s in zip(clip, start)])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
