# SPDX-License-Identifier: MIT
# The demo, on a small folder, twice.
akin demo --sounds "$SOUNDS" demo.db | grep -E -A 4 'sounds like' |
    grep -E 'What|   1  ' | sed -E 's/0\.[0-9]{3}/S/' | head -n 4
try akin demo --sounds "$SOUNDS" --quiet demo.db >again.txt
grep -c 'What sounds like' again.txt
try akin demo --sounds nosuch other.db
akin demo --sounds "$SOUNDS" --quiet --json demo.db |
    python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)))'
