# SPDX-License-Identifier: MIT
# Inconsistent databases: what is found, what --repair does, and what is left.
sql() { python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()' "$1/hoplite.sqlite" "$2"; }
make_db birds.db
sql birds.db "INSERT INTO windows (recording_id, offsets) SELECT recording_id, offsets FROM windows WHERE id = 3"
sql birds.db "INSERT INTO windows (recording_id, offsets) VALUES (77, x'00000000000000000000000000000840')"
sql birds.db "DELETE FROM windows WHERE id = 5"
try akin verify birds.db
try akin verify birds.db --json
try akin verify birds.db --repair
try akin verify birds.db
try akin extract -q "$SOUNDS/birds" birds.db
akin info birds.db | grep -E 'windows|vectors'
