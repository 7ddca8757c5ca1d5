# SPDX-License-Identifier: MIT
# Readers that go away, and places that take no more bytes.
make_db birds.db
for i in 1 2 3; do
    akin search birds.db --window 1 -n 9 --format csv --quiet | head -n 0
    echo "exits ${PIPESTATUS[*]}"
done
akin help --json | head -c 10 >/dev/null
echo "exits ${PIPESTATUS[*]}"
[ -w /dev/full ] || skip "there is no /dev/full"
akin info birds.db >/dev/full
echo "exit $?"
akin info birds.db --json >/dev/full
echo "exit $?"
