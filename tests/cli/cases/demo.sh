# SPDX-License-Identifier: MIT
# The demo, on a small folder, twice.
akin demo --sounds "$SOUNDS" demo.db | grep -E -A 4 'sounds like' |
    grep -E 'What|   1  ' | sed -E 's/0\.[0-9]{3}/S/' | head -n 4
try akin demo --sounds "$SOUNDS" --quiet demo.db >again.txt
grep -c 'What sounds like' again.txt
try akin demo --sounds nosuch other.db
akin demo --sounds "$SOUNDS" --quiet --json demo.db |
    python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)))'

# Pictures beside the sounds: by example, for want of ONNX Runtime.
mkdir -p both/animals
cp "$SOUNDS"/birds/*.wav both
for name in rgb.png 420.jpg 444.jpg grey.jpg l.png; do
    cp "$REPO/tests/data/image/$name" both/animals
done
echo 'A coloured square.' >both/animals/rgb.txt
try akin demo --sounds both both.db 2>both.txt |
    grep -E 'look like|^exit|A coloured' | sed -E 's|0\.[0-9]{3}|S|'
grep -c 'takes the model tiny-clip' both.txt
grep -o '5 pictures of animals and vehicles in both' both.txt
try akin demo --sounds both --quiet --json both.db |
    python3 -c 'import json, sys
next(sys.stdin)
pictures = json.loads(next(sys.stdin))["pictures"]
print(pictures["model"], pictures["database"], len(pictures["answers"]))'
