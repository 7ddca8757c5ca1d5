# SPDX-License-Identifier: MIT
"""What is below a noun in WordNet 3.0, read from its files (Debian's package `wordnet-base`)."""
import collections


class WordNet:
    def __init__(self, folder):
        self.words, self.below, self.senses = {}, collections.defaultdict(list), {}
        for line in open(folder / "data.noun", encoding="ascii"):
            if not line.startswith(" "):
                self._read_synset(line.split("|")[0].split())
        for line in open(folder / "index.noun", encoding="ascii"):
            if not line.startswith(" "):
                self._read_senses(line.split())

    def _read_synset(self, fields):
        """offset, file, type, count of words (hex), words with ids, count of pointers, pointers of 4 fields."""
        n = int(fields[3], 16)
        self.words[fields[0]] = [word.replace("_", " ").lower() for word in fields[4:4 + 2 * n:2]]
        pointers = fields[5 + 2 * n:]
        self.below[fields[0]] = [pointers[i + 1] for i in range(0, len(pointers), 4) if pointers[i] == "~"]

    def _read_senses(self, fields):
        """lemma, type, senses, count of pointer kinds, those, senses, tagged ones, offsets; commonest first."""
        self.senses[fields[0].replace("_", " ")] = fields[6 + int(fields[3]):]

    def synsets(self, word, sense):
        """The word's synset in the given sense, 1 being the commonest, and all below it."""
        found, waiting = {}, [self.senses[word][sense - 1]]
        while waiting:
            synset = waiting.pop(0)
            if synset not in found:
                found[synset] = True
                waiting += self.below[synset]
        return found
