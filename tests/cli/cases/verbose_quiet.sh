# SPDX-License-Identifier: MIT
# How much is said: nothing with -q, each file with -v, a bar with --progress.
mkdir in && cp "$SOUNDS/call.wav" in/a.wav && echo text >in/b.wav
try akin extract -q in quiet.db
try akin extract -v in verbose.db
try akin extract --progress in bar.db 2>bar.txt
tr '\r' '\n' <bar.txt | grep -c '%.*files.*windows'
try akin search verbose.db --file in/a.wav -v
try akin search verbose.db --file in/a.wav --quiet
