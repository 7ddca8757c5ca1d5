# SPDX-License-Identifier: MIT
# A disk that takes no more: a clear end, a valid database, and the run goes on
# once there is room. The limit on file sizes stands for the full disk.
mkdir in
for i in 1 2 3 4 5 6 7 8; do
    cp "$SOUNDS/birds/SITE1_20230512_060000.wav" "in/$i.wav"
done
akin extract -q --overlap 2.9 in/1.wav birds.db
(
    ulimit -f 160
    akin extract --overlap 2.9 in birds.db >/dev/null 2>full.txt
    echo "exit $?"
)
grep '^akin: error: ' full.txt
try akin verify -q birds.db
try akin extract -q in birds.db
try akin verify birds.db
