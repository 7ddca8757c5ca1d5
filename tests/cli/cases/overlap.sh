# SPDX-License-Identifier: MIT
# Overlaps and other settings: sane ones, impossible ones, others than stored.
try akin extract --overlap 3 "$SOUNDS/birds" birds.db
try akin extract --overlap 99 "$SOUNDS/birds" birds.db
try akin extract --fmin 5000 --fmax 100 "$SOUNDS/birds" birds.db
ls -d birds.db
akin extract -q --overlap 1.5 --fmin 150 "$SOUNDS/birds" birds.db
try akin extract --overlap 1 "$SOUNDS/birds" birds.db
try akin extract --fmin 200 "$SOUNDS/birds" birds.db
try akin extract --audio-speed 0.5 "$SOUNDS/birds" birds.db
try akin extract --overlap 1.5 --fmin 150 "$SOUNDS/birds" birds.db
try akin extract -q --audio-speed 0.5 "$SOUNDS/call.wav" slow.db
try akin export -q slow.db slow.csv
cut -d , -f 1-3 slow.csv
try akin extract -q --min-length 1 "$SOUNDS/birds" long.db
akin info long.db | grep -E 'windows|length'
