# SPDX-License-Identifier: MIT
# Read before every shell case.

# try COMMAND...: names the command on both streams and its exit code on
# standard output.
try() {
    local code=0
    echo "\$ $*"
    echo "\$ $*" >&2
    "$@" || code=$?
    echo "exit $code"
}

# skip REASON: this case cannot be had here.
skip() {
    echo "skipped: $*" >&2
    exit 77
}

# The database that most cases search, made quietly.
make_db() {
    akin extract -q "${@:2}" "$SOUNDS/birds" "$SOUNDS/frogs" "$1"
}
