# SPDX-License-Identifier: MIT
# Several databases are searched as one; those that do not fit are refused.
akin extract -q "$SOUNDS/birds" birds.db
akin extract -q "$SOUNDS/frogs" frogs.db
akin extract -q --fmin 500 "$SOUNDS/frogs" band.db
try akin search birds.db frogs.db --file "$SOUNDS/call.wav" -n 2
try akin search -db birds.db -db frogs.db --window 6 -n 1
try akin search birds.db band.db --file "$SOUNDS/call.wav"
try akin search birds.db nosuch.db --file "$SOUNDS/call.wav"
akin info birds.db frogs.db --json | grep -c "counts"
