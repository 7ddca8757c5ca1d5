# SPDX-License-Identifier: MIT
# AKIN_ISA chooses what vectors are computed with; the answers are the same.
isa() { AKIN_ISA=$1 akin --version | grep -o '([a-z0-9]* vectors'; }
try isa scalar
try env AKIN_ISA=nonsense akin --version
try env AKIN_ISA=nonsense akin search nothing.db --file nothing.wav
try env AKIN_ISA= akin help exit-codes | head -n 2
make_db birds.db
try env AKIN_ISA=scalar akin search birds.db --file "$SOUNDS/call.wav" -n 3
try akin search birds.db --file "$SOUNDS/call.wav" -n 3
