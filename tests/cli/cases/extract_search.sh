# SPDX-License-Identifier: MIT
# The main job: recordings in, answers out.
try akin extract "$SOUNDS/birds" "$SOUNDS/frogs" birds.db
try akin info birds.db
try akin search birds.db --file "$SOUNDS/call.wav" -n 2
try akin search birds.db --window 1 -n 1
try akin search birds.db --file "$SOUNDS/call.wav" -n 1 --offset 1
try akin search birds.db --file "$SOUNDS/call.wav" -n 2 --score-function euclidean
try akin search birds.db --file "$SOUNDS/call.wav" -n 2 --score-function dot --quiet
try akin search birds.db --file "$SOUNDS/long call.wav" -n 2 --crop-mode first
try akin search birds.db --file "$SOUNDS/call.wav" -n 100 --offset 100
COLUMNS=60 try akin search birds.db --file "$SOUNDS/call.wav" -n 1
try akin verify birds.db
