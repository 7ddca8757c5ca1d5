# SPDX-License-Identifier: MIT
"""Where the words come from: the Debian packages wordnet-base and wamerican, installed or fetched."""
import pathlib
import subprocess

import grammar
import wordnet

PACKAGES = {"wordnet-base": "usr/share/wordnet/data.noun", "wamerican": "usr/share/dict/american-english"}


def find(package, work):
    """The package's file; fetched to `work`, which needs no root, where it is not installed."""
    installed, unpacked = pathlib.Path("/") / PACKAGES[package], work / "packages" / PACKAGES[package]
    if installed.exists():
        return installed
    if not unpacked.exists():
        work.joinpath("packages").mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-q", "download", package], cwd=work / "packages", check=True)
        archive = next(work.joinpath("packages").glob(package + "_*.deb"))
        subprocess.run(["dpkg", "-x", archive, work / "packages"], check=True)
    return unpacked


def load(work):
    return grammar.Vocabulary(wordnet.WordNet(find("wordnet-base", work).parent), find("wamerican", work))
