# SPDX-License-Identifier: MIT
# Files that cannot be read are named with the reason; the run goes on.
mkdir in empty
: >in/zero.wav
printf 'this is a text, whatever its name says\n' >in/text.wav
head -c 20000 "$DATA/trill.flac" >in/truncated.flac
python3 -c 'import sounds; sounds.write_float_wav("in/nan.wav", [0.1, float("nan")] * 20000)'
python3 -c 'import sounds; sounds.write_float_wav("in/loud.wav", [0.5, 3e38] * 20000)'
cp "$SOUNDS/call.wav" in/good.wav
try akin extract in bad.db
akin info bad.db | grep -E 'recordings|windows|vectors'
try akin verify bad.db
try akin extract in bad.db
try akin extract in/zero.wav one.db
try akin extract empty none.db
try akin extract nosuch none.db
try akin extract in/notes.txt none.db
test -e none.db || echo "no database was made"
try akin search bad.db --file in/text.wav
try akin search bad.db --file in/zero.wav
try akin search bad.db --file nosuch.wav
