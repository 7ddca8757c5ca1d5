# SPDX-License-Identifier: MIT
# Pictures with the built-in model: chosen by the inputs, searched by example.
mkdir -p in/sub
cp "$REPO"/tests/data/image/{rgb.png,420.jpg,444.jpg,grey.jpg} in
cp "$REPO"/tests/data/image/{rgb.bmp,lossy.webp} in/sub
try akin extract in pictures.db
try akin extract in pictures.db
try akin info pictures.db
try akin search pictures.db --file in/420.jpg -n 3
try akin search pictures.db --window 1 -n 2 --export found
ls found | sed -E 's/^-?[0-9.]+_/S_/' | LC_ALL=C sort
try akin search pictures.db --file in/420.jpg -n 1 --format csv |
    sed -E 's/^([0-9]+,[0-9]+),[^,]+/\1,S/'
akin search pictures.db --file in/420.jpg -n 1 --json --quiet |
    python3 -c 'import json, sys; hit = json.load(sys.stdin)["results"][0]
print(hit["recording"], hit["start"], hit["end"], "classes" in hit)'
try akin search pictures.db --text 'a frog'
try akin search pictures.db --file "$SOUNDS/call.wav"
try akin extract -q --model mel in pictures.db
try akin extract -q --model mel in mel.db
try akin extract -q --model tint "$SOUNDS" tint.db
try akin extract -q "$SOUNDS" in mixed.db
akin info mixed.db | grep -E "^(model|windows)"
mkdir empty
try akin extract empty empty.db
# A film: frames by default once a second, and as often as asked.
try akin extract --model tint --every 0.5 "$REPO/tests/data/image/film.mp4" film.db
try akin info film.db
try akin search film.db --file "$REPO/tests/data/image/film.mp4" -n 3
# A film counts as sound where no model is named.
try akin extract "$REPO/tests/data/image/film.mp4" sound.db
ls
