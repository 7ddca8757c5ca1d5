# SPDX-License-Identifier: MIT
# A second run skips what is complete; --force does it again, once each.
try akin extract "$SOUNDS/birds" birds.db
try akin extract "$SOUNDS/birds" birds.db
try akin extract -v "$SOUNDS/birds" birds.db
try akin extract --force "$SOUNDS/birds" birds.db
try akin extract -q "$SOUNDS/frogs" "$SOUNDS/birds" birds.db
akin info birds.db | grep -E 'recordings|windows|vectors'
try akin verify birds.db
