# SPDX-License-Identifier: MIT
# Clips with their manifest, and embeddings as text.
make_db birds.db
try akin search birds.db --file "$SOUNDS/call.wav" -n 2 --export clips --quiet
ls clips | sed -E 's/^-?[0-9.]+_/S_/' | sort
sed -E 's/^-?[0-9.]+_/S_/; s/,-?[0-9.]+/,S/' clips/manifest.csv
try akin export birds.db all.csv
head -n 1 all.csv
tail -n 1 all.csv | cut -c 1-30
try akin export birds.db texts
find texts -type f | sort | tail -n 3
try akin export birds.db sub/all.csv --to csv -q
cmp all.csv sub/all.csv && echo same
mv birds.db moved.db
cp -r "$SOUNDS/birds" gone && akin extract -q gone gone.db && rm -r gone
try akin search gone.db --window 1 -n 1 --export lost
