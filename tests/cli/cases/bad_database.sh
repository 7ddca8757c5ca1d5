# SPDX-License-Identifier: MIT
# Databases that are not there, not databases, damaged or of another model.
sql() { python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()' "$1/hoplite.sqlite" "$2"; }
try akin info nosuch.db
try akin search nosuch.db --window 1
ls -d nosuch.db
mkdir text.db && echo "not a database at all" >text.db/hoplite.sqlite
try akin info text.db
make_db birds.db
try akin search birds.db --window 99
cp -r birds.db cut.db && head -c 500 birds.db/usearch.index >cut.db/usearch.index
try akin search cut.db --window 1 -n 1
try akin verify cut.db
try akin verify cut.db --repair
try akin verify cut.db
try akin extract -q "$SOUNDS/birds" "$SOUNDS/frogs" cut.db
akin info cut.db | grep -E 'windows|vectors'
cp -r birds.db none.db && rm none.db/usearch.index
try akin verify none.db
cp -r birds.db sqlite.db && printf 'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX' |
    dd of=sqlite.db/hoplite.sqlite conv=notrunc bs=1 2>/dev/null
try akin info sqlite.db
cp -r birds.db model.db
sql model.db "UPDATE hoplite_metadata SET value = replace(value, '\"mel', '\"other')"
try akin extract "$SOUNDS/birds" model.db
try akin search model.db --file "$SOUNDS/call.wav"
try akin extract --model nosuch "$SOUNDS/birds" new.db
