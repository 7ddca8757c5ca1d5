# SPDX-License-Identifier: MIT
# Recordings that were moved: the names stay, the root changes.
mkdir old && cp -r "$SOUNDS/birds" old/birds
akin extract -q old/birds birds.db
mv old new
try akin search birds.db --window 1 -n 1 --export clips --quiet
try akin search birds.db --window 1 -n 1 --export clips --quiet --audio-root new
try akin extract --audio-root new new/birds birds.db
akin info birds.db | grep 'audio root'
try akin search birds.db --window 1 -n 1 --export clips2
