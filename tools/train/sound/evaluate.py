# SPDX-License-Identifier: MIT
"""Measures the recipe beside the built-in `mel`, and writes results.csv.

    python3 evaluate.py --data ESC10_FOLDER --work FOLDER --akin build/akin

Three questions, each with networks that were not trained on what they are asked:

  folds         the published five folds. Trained on four; a window of the fifth is classified, and looks for its
                like among the other recordings of the fifth.
  unseen two    trained without two classes, and without one fold of the others. A window of the two looks for
                its like (outside its own fold) among all windows of that fold. Five networks, all ten classes.
  unseen five   trained on five classes. A window of the other five looks for its like among them, outside its
                own fold. Nothing that is searched is of a kind the network knows; `mel` is always in that place.

Windows of 3 s at 0 s and 2 s of each clip; cosine; the ranking is of everything that may be found.
"""
import argparse
import csv
import os

import numpy as np

import features
import mel_vectors
from train import embed, train

FOLDS = range(1, 6)
# Not those by which the recipe was chosen, which were the even and the odd classes.
HALVES = [(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)]
MEASURES = ("p_at_1", "p_at_10", "map")
BOOTSTRAPS = 10000


class Windows:
    """Everything that is searched: of each window its patch, its vector by mel, and where it comes from."""

    def __init__(self, args):
        self.work = args.work
        self.data = features.load(args.data, args.work)
        self.patches, self.clip, start = features.windows(self.data)
        self.mel = mel_vectors.load(args.akin, args.data, args.work, self.data, self.clip, start)
        self.label, self.fold, self.source = (self.data[k][self.clip] for k in ("labels", "folds", "sources"))

    def train(self, name, clip_is_used, seed):
        return train(self.data, np.flatnonzero(clip_is_used), name, self.work, seed)


# ---- measures -----------------------------------------------------------------------------------------------

def measure_ranking(right):
    """P@1, P@10 and average precision of one ranking."""
    ranks = np.flatnonzero(right) + 1
    return right[0], right[:10].mean(), np.mean(np.arange(1, len(ranks) + 1) / ranks)


def retrieve(vectors, labels, queries, may_find):
    """[queries, 3]; may_find [queries, n] says which windows a query may be answered by."""
    out = []
    for query, allowed in zip(queries, may_find):
        found = np.flatnonzero(allowed)
        order = np.argsort(-(vectors[found] @ vectors[query]), kind="stable")
        out.append(measure_ranking(labels[found[order]] == labels[query]))
    return np.array(out, float)


def clip_accuracy(scores, clip, label):
    """A clip's class is that of the larger mean of its windows' scores."""
    right = [scores[clip == c].mean(0).argmax() == label[clip == c][0] for c in np.unique(clip)]
    return np.array(right, float)


def ridge_scores(train_x, train_y, x, strength=1.0):
    """A linear classifier on given vectors: what labels alone make of `mel`."""
    target = np.eye(train_y.max() + 1)[train_y]
    mean = train_x.mean(0)
    a = train_x - mean
    weights = np.linalg.solve(a.T @ a + strength * np.eye(a.shape[1]), a.T @ (target - target.mean(0)))
    return (x - mean) @ weights + target.mean(0)


def interval(values, clusters):
    """95 % of a mean over clusters that are drawn anew, since windows of one cluster are alike."""
    names, at = np.unique(clusters, return_inverse=True)
    sums, counts = np.bincount(at, values), np.bincount(at)
    draws = np.random.default_rng(1).integers(0, len(names), (BOOTSTRAPS, len(names)))
    return np.percentile(sums[draws].sum(1) / counts[draws].sum(1), [2.5, 97.5])


# ---- questions ----------------------------------------------------------------------------------------------

class Answers:
    """What the two models answered to the same queries, gathered over the networks of one question."""

    def __init__(self):
        self.query, self.net, self.mel = [], [], []

    def ask(self, w, vectors, queries, may_find):
        self.query.append(queries)
        self.net.append(retrieve(vectors, w.label, queries, may_find))
        self.mel.append(retrieve(w.mel, w.label, queries, may_find))

    def rows(self, w, question, clusters):
        query, net, mel = (np.concatenate(x) for x in (self.query, self.net, self.mel))
        models = {"esc-net": net, "mel": mel, "difference": net - mel}
        for model, figures in models.items():
            for measure, values in zip(MEASURES, figures.T):
                yield [question, "all", model, measure, values.mean(), *interval(values, clusters[query])]
        for label, name in enumerate(w.data["classes"]):
            of_class = w.label[query] == label
            for model, figures in models.items() if of_class.any() else ():
                for measure, values in zip(MEASURES, figures[of_class].T):
                    yield [question, name, model, measure, values.mean(), "", ""]


def accuracy_rows(question, accuracy, folds):
    for model, right in accuracy.items():
        right, fold = np.concatenate(right), np.concatenate(folds)
        yield [question, "all", model, "accuracy", right.mean(), *interval(right, np.arange(len(right)))]
        for f in FOLDS:
            yield [question, f"fold {f}", model, "accuracy", right[fold == f].mean(), "", ""]


def ask_folds(w, seed):
    answers, folds = Answers(), []
    accuracy = {"esc-net": [], "mel with a linear classifier": []}
    for fold in FOLDS:
        net = w.train(f"fold-{fold}", w.data["folds"] != fold, seed)
        vectors, scores = embed(net, w.patches)
        test = np.flatnonzero(w.fold == fold)
        # A long recording was cut into several clips, which are too easy to find.
        answers.ask(w, vectors, test, (w.fold == fold) & (w.source != w.source[test][:, None]))
        rest = w.fold != fold
        ridge = ridge_scores(w.mel[rest], w.label[rest], w.mel[test])
        for model, s in zip(accuracy, (scores[test], ridge)):
            accuracy[model].append(clip_accuracy(s, w.clip[test], w.label[test]))
        folds.append(np.full(len(accuracy["esc-net"][-1]), fold))
    yield from accuracy_rows("folds", accuracy, folds)
    yield from answers.rows(w, "folds", w.source)


def ask_unseen_two(w, seed):
    answers = Answers()
    for fold in FOLDS:
        pair = fold - 1, fold + 4
        used = ~np.isin(w.data["labels"], pair) & (w.data["folds"] != fold)
        vectors, _ = embed(w.train(f"without-{pair[0]}{pair[1]}", used, seed), w.patches)
        for label in pair:
            queries = np.flatnonzero(w.label == label)
            like = (w.label == label) & (w.fold != w.fold[queries][:, None])
            answers.ask(w, vectors, queries, like | ((w.label != label) & (w.fold == fold)))
    yield from answers.rows(w, "unseen two", w.label)


def ask_unseen_five(w, seed):
    answers = Answers()
    for half in HALVES:
        net = w.train("only-" + "".join(map(str, half)), np.isin(w.data["labels"], half), seed)
        vectors, _ = embed(net, w.patches)
        unseen = ~np.isin(w.label, half)
        queries = np.flatnonzero(unseen)
        answers.ask(w, vectors, queries, unseen & (w.fold != w.fold[queries][:, None]))
    yield from answers.rows(w, "unseen five", w.label)


QUESTIONS = {"folds": ask_folds, "unseen-two": ask_unseen_two, "unseen-five": ask_unseen_five}


def write(rows, path):
    with open(path + ".part", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["question", "set", "model", "measure", "value", "low", "high"])
        for row in rows:
            out.writerow([f"{x:.4f}" if isinstance(x, float) else x for x in row])
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--akin", default="build/akin")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=QUESTIONS, nargs="*", default=list(QUESTIONS))
    parser.add_argument("--results", default=os.path.join(os.path.dirname(__file__), "results.csv"))
    args = parser.parse_args()
    windows = Windows(args)
    rows = []
    for question in args.only:
        rows += QUESTIONS[question](windows, args.seed)
        write(rows, args.results)
    for row in rows:
        if row[1] == "all":
            print("%-12s %-30s %-9s %.3f  %.3f to %.3f" % (row[0], *row[2:]))


if __name__ == "__main__":
    main()
