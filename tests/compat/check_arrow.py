#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves with the real Arrow that akin reads and writes its files.

usage: check_arrow.py ARROW_TOOL                    (needs the package pyarrow)

arrow_tool reads what pyarrow wrote and writes it again; pyarrow must find the
same table in it. So both ways are tested, with every type, with and without
nulls and rows, in files and streams, of format versions 4 and 5. Prints a line
a check, the last is "N passed, N failed"; exits 1 on a failure.
"""
import datetime
import decimal
import itertools
import os
import random
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.ipc as ipc

UNITS = ["s", "ms", "us", "ns"]
ROWS = [0, 1, 3, 70, 1500]
results = []


def check(name, good, detail=""):
    results.append(bool(good))
    if not good:
        print("FAIL %s %s" % (name, detail), flush=True)
    return good


def ok(name, first):
    """One line for the checks from the first on, if all were good."""
    if all(results[first:]):
        print("ok   %s (%d)" % (name, len(results) - first), flush=True)


def write(path, table, form, rows=None, **options):
    new = ipc.new_file if form == "file" else ipc.new_stream
    with new(path, table.schema,
             options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)


def read(path, form):
    with pa.memory_map(path) as source:
        reader = ipc.open_file if form == "file" else ipc.open_stream
        table = reader(source).read_all()
        table.validate(full=True)
        return pa.table(table)


class Tool:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def copy(self, path, form="file"):
        """(table, what was said)."""
        out = self.path("out.arrow")
        done = subprocess.run([self.program, "copy", path, out, form],
                              capture_output=True, text=True)
        if done.returncode:
            return None, done.stderr.strip()
        return read(out, form), done.stdout

    def check_copies(self, name, path, wanted, said=""):
        for form in "file", "stream":
            seen, words = self.copy(path, form)
            check("%s to %s" % (name, form), seen is not None and
                  words == said and seen.equals(wanted, check_metadata=True),
                  words or "%s, not %s" % (seen, wanted))

    def check_refuses(self, name, path, words):
        seen, why = self.copy(path)
        check(name, seen is None and words in why and "\n" not in why, why)


def integers(bits, signed, n, dice):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (
        0, (1 << bits) - 1)
    return ([low, high] + [dice.randint(low, high) for _ in range(n)])[:n]


def texts(n, dice):
    return ["".join(dice.choice("ab \u00e9\u20ac\U0001f426")
                    for _ in range(dice.randint(0, 9))) for _ in range(n)]


def floats(n, dice):
    """That float16 has, too."""
    ends = [float("inf"), -float("inf"), -0.0, 65504.0, 2.0 ** -24]
    return (ends + [dice.randint(-1024, 1024) / 64 for _ in range(n)])[:n]


def plain_columns(n, dice):
    yield "bool", pa.bool_(), [dice.random() < .5 for _ in range(n)]
    for bits, signed in itertools.product((8, 16, 32, 64), (True, False)):
        kind = getattr(pa, ("int%d" if signed else "uint%d") % bits)()
        yield str(kind), kind, integers(bits, signed, n, dice)
    for kind in pa.float16(), pa.float32(), pa.float64():
        yield str(kind), kind, floats(n, dice)
    for unit in UNITS:
        yield unit, pa.timestamp(unit), integers(64, True, n, dice)
    yield "text", pa.string(), texts(n, dice)


def lists(kind, values, sizes):
    rows, at = [], 0
    for size in sizes:
        rows.append((values * 9)[at % max(len(values), 1):][:size])
        at += size
    return rows


def columns(n, dice):
    plain = list(plain_columns(n, dice))
    yield from plain
    for name, kind, values in plain:
        some = [dice.randint(0, 5) for _ in range(n)]
        yield "list " + name, pa.list_(kind), lists(kind, values, some)
    for kind, size in itertools.product(
            (pa.float16(), pa.float32(), pa.float64(), pa.int8()), (1, 3, 8)):
        rows = [[dice.randint(-99, 99) for _ in range(size)] for _ in range(n)]
        yield "%s x %d" % (kind, size), pa.list_(kind, size), rows
    inner = pa.struct([("name", pa.string()), ("id", pa.string()),
                       ("box", pa.list_(pa.float32(), 4))])
    yield "struct", inner, [
        {"name": "item", "id": t, "box": [1, 2, 3, 4]} for t in texts(n, dice)]
    yield "lists", pa.list_(pa.list_(pa.int32())), [[[1], [], [i]]
                                                    for i in range(n)]
    yield "structs", pa.list_(inner), [
        [{"name": str(i), "id": None, "box": None}] * (i % 3)
        for i in range(n)]


def table_of(n, nulls, dice):
    arrays, fields = [], []
    for name, kind, values in columns(n, dice):
        if nulls:
            values = [None if dice.random() < .3 else v for v in values]
        arrays.append(pa.array(values, kind))
        fields.append(pa.field(name, kind, nullable=nulls))
    schema = pa.schema(fields, {"model": "tint \u20ac", "dim": "3"})
    return pa.table(arrays, schema=schema)


def check_types(tool, dice):
    first = len(results)
    path = tool.path("in.arrow")
    for n, nulls in itertools.product(ROWS, (False, True)):
        table = table_of(n, nulls, dice)
        for form, version in itertools.product(
                ("file", "stream"),
                (ipc.MetadataVersion.V4, ipc.MetadataVersion.V5)):
            write(path, table, form, metadata_version=version)
            tool.check_copies("%d rows, nulls %s, %s %s" % (
                n, nulls, form, version), path, table)
        write(path, table, "stream", metadata_version=ipc.MetadataVersion.V4,
              use_legacy_format=True)
        tool.check_copies("%d rows, old stream" % n, path, table)
        write(path, table, "file", metadata_version=ipc.MetadataVersion.V4,
              use_legacy_format=True)
        tool.check_copies("%d rows, old file" % n, path, table)
    ok("every type", first)


def check_batches(tool, dice):
    first = len(results)
    path = tool.path("in.arrow")
    table = table_of(500, True, dice)
    for rows in 1, 7, 64, 499:
        for form in "file", "stream":
            write(path, table, form, rows)
            tool.check_copies("batches of %d, %s" % (rows, form), path, table)
    seen, words = tool.copy(path)
    check("as many batches", seen and len(seen.to_batches()) == 2)
    for form in "file", "stream":
        part = table.slice(101, 303)
        write(path, part, form)
        tool.check_copies("a slice, " + form, path, part)
        write(path, pa.table({}), form)
        tool.check_copies("no columns, " + form, path, pa.table({}))
        write(path, table.schema.empty_table(), form, 1)
        tool.check_copies("no batches, " + form, path,
                          table.schema.empty_table())
    with open(path, "ab") as out:
        out.write(b"something behind the stream")
    tool.check_copies("more behind the end", path, table.schema.empty_table())
    ok("batches", first)


def check_alignment(tool, dice):
    """Every buffer begins at a multiple of 64 in the file."""
    first = len(results)
    path, out = tool.path("in.arrow"), tool.path("out.arrow")
    write(path, table_of(77, True, dice), "file", 20)
    tool.copy(path)
    with pa.memory_map(out) as source:
        start = source.read_buffer(1).address
        source.seek(0)
        for batch in ipc.open_file(source).read_all().to_batches():
            for column in batch.columns:
                at = [b.address - start for b in column.buffers() if b]
                check(str(column.type), all(a % 64 == 0 for a in at), at)
    ok("alignment", first)


def decoded(table):
    """As akin writes it: texts that are just that, and times without zone."""
    def plain(kind):
        if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind):
            return pa.string()
        if pa.types.is_large_list(kind):
            return pa.list_(plain(kind.value_type))
        if pa.types.is_timestamp(kind):
            return pa.timestamp(kind.unit)
        return kind
    return pa.table({n: c.cast(plain(c.type)) for n, c in
                     zip(table.column_names, table.columns)})


def check_other_texts(tool, dice):
    first = len(results)
    path = tool.path("in.arrow")
    words = [None if dice.random() < .2 else t for t in texts(200, dice)]
    few = [words[i % 9] for i in range(200)]
    when = pa.array(range(200), pa.int64()).cast(pa.timestamp("us", "UTC"))
    cases = {"large": pa.array(words, pa.large_string()),
             "large list": pa.array([[1, 2], []] * 100,
                                    pa.large_list(pa.int32())),
             "zone": when}
    for bits, signed in itertools.product((8, 16, 32, 64), (True, False)):
        index = getattr(pa, ("int%d" if signed else "uint%d") % bits)()
        for values in pa.string(), pa.large_string():
            kind = pa.dictionary(index, values)
            cases[str(kind)] = pa.array(few, pa.string()).cast(
                values).dictionary_encode().cast(kind)
    cases["null word"] = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 2] * 50, pa.int32()), ["a", None, "b"])
    for form in "file", "stream":
        for name, column in cases.items():
            table = pa.table({"a": column, "n": range(200)})
            write(path, table, form, 60)
            tool.check_copies("%s, %s" % (name, form), path, decoded(table))
    ok("other texts, lists and times", first)


def check_dictionaries(tool):
    """That grow or change between the batches of a stream."""
    first = len(results)
    path = tool.path("in.arrow")
    for deltas in False, True:
        chunks = [pa.array(c).dictionary_encode() for c in
                  (["a", "b"], ["a", "b", "c", None], ["x"], ["x", "y"], [],
                   ["x", "y", "z", "x"])]
        table = pa.table({"a": pa.chunked_array(
            [c.cast(pa.dictionary(pa.int32(), pa.string())) for c in chunks])})
        write(path, table, "stream", emit_dictionary_deltas=deltas,
              unify_dictionaries=False)
        tool.check_copies("deltas %s" % deltas, path, decoded(table))
        write(path, table, "file", unify_dictionaries=True)
        tool.check_copies("unified", path, decoded(table))
    ok("dictionaries that change", first)


def others():
    """Columns that akin steps over."""
    day = datetime.date(2024, 2, 29)
    yield "null", pa.array([None] * 3)
    yield "binary", pa.array([b"a", None, b"bc"])
    yield "large_binary", pa.array([b"a", None, b"bc"], pa.large_binary())
    yield "fixed_size_binary", pa.array([b"ab"] * 3, pa.binary(2))
    yield "date", pa.array([day, None, day])
    yield "time", pa.array([1, 2, None], pa.time64("us"))
    yield "duration", pa.array([1, 2, None], pa.duration("s"))
    yield "decimal", pa.array([decimal.Decimal("1.5")] * 3)
    yield "interval", pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval())
    yield "map", pa.array([[("a", 1)], [], None],
                          pa.map_(pa.string(), pa.int32()))
    yield "list", pa.array([[b"a"], [], None])
    yield "utf8_view", pa.array(["a" * 30, None, "b"], pa.string_view())
    yield "binary_view", pa.array([b"a" * 30] * 3, pa.binary_view())
    yield "list_view", pa.array([[1], [], [2, 3]], pa.list_view(pa.int8()))
    yield "dictionary", pa.array([1, 2, 1]).dictionary_encode()
    yield "run_end_encoded", pa.RunEndEncodedArray.from_arrays(
        [1, 3], ["a", "b"])
    kinds, parts = pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]),
                                                    pa.array(["a", "b", "c"])]
    yield "union", pa.UnionArray.from_sparse(kinds, parts)
    yield "union", pa.UnionArray.from_dense(
        kinds, pa.array([0, 0, 1], pa.int32()), parts)


def check_others(tool):
    first = len(results)
    path = tool.path("in.arrow")
    left = pa.table({"left": [1, 2, 3], "right": ["a", None, "c"]})
    for (name, column), form in itertools.product(others(), ("file", "stream")):
        table = pa.table([left[0], column, left[1]],
                         names=["left", "middle", "right"])
        write(path, table, form)
        tool.check_copies("%s, %s" % (name, form), path, left,
                          "ignored middle %s\n" % name)
    inner = pa.StructArray.from_arrays(
        [pa.array([1, 2, 3]), pa.array([b"a"] * 3), pa.array(["a", "b", "c"])],
        ["a", "b", "c"])
    write(path, pa.table({"s": inner, "x": [1, 2, 3]}), "file")
    wanted = pa.StructArray.from_arrays([inner.field(0), inner.field(2)],
                                        ["a", "c"])
    tool.check_copies("within a struct", path,
                      pa.table({"s": wanted, "x": [1, 2, 3]}),
                      "ignored b binary\n")
    ok("columns of other types", first)


def check_refusals(tool):
    first = len(results)
    path = tool.path("in.arrow")
    table = pa.table({"a": list(range(1000)), "d": pa.array(
        ["a"] * 1000).dictionary_encode()})
    for form, codec in itertools.product(("file", "stream"), ("lz4", "zstd")):
        for columns in ["a"], ["a", "d"]:
            write(path, table.select(columns), form, compression=codec)
            tool.check_refuses(codec, path, "is compressed (%s); write it "
                               "without compression" % codec)
    write(path, table, "file")
    size = os.path.getsize(path)
    for cut in 1, 100, size - 20:
        os.truncate(path, size - cut)
        tool.check_refuses("short file", path, "cut off")
    write(path, table, "stream")
    os.truncate(path, os.path.getsize(path) - 1000)
    tool.check_refuses("short stream", path, "cut off")
    with open(path, "w") as out:
        out.write("PAR1 is something else")
    tool.check_refuses("another file", path, "neither an Arrow file nor")
    ok("refusals", first)


def main():
    print("pyarrow %s" % pa.__version__)
    dice = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        tool = Tool(os.path.abspath(sys.argv[1]), folder)
        check_types(tool, dice)
        check_batches(tool, dice)
        check_alignment(tool, dice)
        check_other_texts(tool, dice)
        check_dictionaries(tool)
        check_others(tool)
        check_refusals(tool)
    print("%d passed, %d failed" % (sum(results), results.count(False)))
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
