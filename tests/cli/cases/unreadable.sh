# SPDX-License-Identifier: MIT
# Folders and files without permission are named; the run goes on. Root may
# read everything, so it becomes nobody for this.
mkdir -p in/closed
cp "$SOUNDS/call.wav" in/good.wav
cp "$SOUNDS/call.wav" in/secret.wav
cp "$SOUNDS/call.wav" in/closed/inside.wav
chmod 000 in/closed in/secret.wav
if [ "$(id -u)" -eq 0 ]; then
    command -v setpriv >/dev/null || skip "root may read everything"
    cp "$(command -v akin)" program
    chown -R 65534:65534 .
    akin() { setpriv --reuid=65534 --regid=65534 --clear-groups ./program "$@"; }
fi
try akin extract in some.db
try akin extract in/closed other.db
try akin search some.db --file in/secret.wav
chmod 700 in/closed
