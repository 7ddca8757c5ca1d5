#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the files of this folder but for lancedb.* (needs pyarrow 26.0.1)."""
import datetime
import pathlib
import struct

import pyarrow as pa
import pyarrow.ipc as ipc

HERE = pathlib.Path(__file__).parent
OLD = {"metadata_version": ipc.MetadataVersion.V4, "use_legacy_format": True}


def write(name, table, rows=None, **options):
    new = ipc.new_stream if name.endswith(".stream") else ipc.new_file
    with new(HERE / name, table.schema,
             options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)


def integers(bits, signed):
    return [-(1 << bits - 1), (1 << bits - 1) - 1] if signed else [
        0, (1 << bits) - 1]


def types():
    """The ends of each type, and a null."""
    columns = {"bool": (pa.bool_(), [True, False])}
    for bits in 8, 16, 32, 64:
        columns["int%d" % bits] = (getattr(pa, "int%d" % bits)(),
                                   integers(bits, True))
        columns["uint%d" % bits] = (getattr(pa, "uint%d" % bits)(),
                                    integers(bits, False))
    for kind in pa.float16(), pa.float32(), pa.float64():
        columns[str(kind)] = (kind, [-0.5, 1024.0])
    for unit in "s", "ms", "us", "ns":
        columns[unit] = (pa.timestamp(unit), [-1, 1 << 40])
    columns["zone"] = (pa.timestamp("us", "UTC"), [-1, 1 << 40])
    columns["utf8"] = (pa.string(), ["", "h\u00e9"])
    columns["large_utf8"] = (pa.large_string(), ["", "h\u00e9"])
    columns["dictionary"] = (pa.dictionary(pa.int8(), pa.string()),
                             ["", "h\u00e9"])
    columns["struct"] = (pa.struct([("a", pa.string()), ("b", pa.int64())]),
                         [{"a": "x", "b": 1}, {"a": None, "b": -1}])
    columns["list"] = (pa.list_(pa.int64()), [[], [1, None, 3]])
    columns["large_list"] = (pa.large_list(pa.int64()), [[], [1, None, 3]])
    columns["texts"] = (pa.list_(pa.string()), [["a"], ["b", "cd"]])
    for kind in pa.float16(), pa.float32(), pa.float64():
        columns["%s x 3" % kind] = (pa.list_(kind, 3),
                                    [[1, 2, 3], [-0.5, None, 0.25]])
    arrays = [pa.array(values + [None], kind)
              for kind, values in columns.values()]
    schema = pa.schema([(name, kind) for name, (kind, _) in columns.items()],
                       {"model": "tint", "dim": "3"})
    return pa.table(arrays, schema=schema)


def words():
    """A dictionary that begins, grows, is another one, and grows."""
    rows = ["a", "b"], ["a", "b", "c", None], ["x"], ["x", "y"]
    kind = pa.dictionary(pa.int32(), pa.string())
    return pa.table({"word": pa.chunked_array(
        [pa.array(r, pa.string()).dictionary_encode().cast(kind)
         for r in rows])})


def others():
    day = datetime.date(2024, 2, 29)
    return pa.table({
        "first": [1, 2], "null": pa.nulls(2), "binary": [b"a", None],
        "date": [day, None], "view": pa.array(["a" * 30, "b"],
                                              pa.string_view()),
        "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int8())),
        "list": [[b"a"], []],
        "struct": [{"a": b"a", "b": "x"}, {"a": b"b", "b": "y"}],
        "last": ["p", "q"]})


def embeddings():
    """As Pixano stores them."""
    ref = pa.struct([("name", pa.string()), ("id", pa.string())])
    schema = pa.schema([
        ("id", pa.string()), ("created_at", pa.timestamp("us")),
        ("updated_at", pa.timestamp("us")), ("item_ref", ref),
        ("vector", pa.list_(pa.float32(), 4)), ("shape", pa.list_(pa.int64())),
        ("view_ref", ref)], {"model": "tint"})
    return pa.Table.from_pylist([
        {"id": "e%d" % i, "created_at": 1700000000000000 + i,
         "updated_at": 1700000001000000 + i,
         "item_ref": {"name": "item", "id": "i%d" % i},
         "vector": [i, -0.5 * i, 1, 0], "shape": [4] * (i % 2),
         "view_ref": {"name": "image", "id": "v%d" % i}}
        for i in range(3)], schema)


def deep():
    kind = pa.int8()
    for _ in range(17):
        kind = pa.list_(kind)
    return pa.table({"deep": pa.array([], kind)})


def write_bad(name, table, offsets, wrong):
    """A column whose offsets are as they never should be."""
    write(name, table)
    was, new = (struct.pack("<3i", *x) for x in (offsets, wrong))
    data = (HERE / name).read_bytes()
    assert data.count(was) == 1
    (HERE / name).write_bytes(data.replace(was, new))


def main():
    write("types.arrow", types(), 2)
    write("types.stream", types(), 2)
    write("types_v4.stream", types(), 2, **OLD)
    write("types_v4.arrow", types(), 2, **OLD)
    write("words.stream", words(), emit_dictionary_deltas=True)
    write("others.arrow", others())
    write("lz4.arrow", embeddings(), compression="lz4")
    write("zstd.stream", embeddings(), compression="zstd")
    write("embeddings.arrow", embeddings(), 2)
    write("deep.stream", deep())
    write("bad_index.stream", pa.table({
        "word": pa.DictionaryArray.from_arrays(
            pa.array([1, 2], pa.int8()), ["a", "b"], safe=False)}))
    write_bad("bad_texts.stream", pa.table({"text": ["ab", "c"]}),
              [0, 2, 3], [0, 2, 1])
    write_bad("bad_list.stream", pa.table({"list": [[1], [2, 3]]}),
              [0, 1, 3], [0, 1, 9])


if __name__ == "__main__":
    main()
