# SPDX-License-Identifier: MIT
# The manual in docs/ is the one that the command tables give (make manual).
"$REPO/tools/make-manual" "$(command -v akin)" .
cmp CLI.md "$REPO/docs/CLI.md" && echo "CLI.md is up to date"
cmp akin.1 "$REPO/docs/akin.1" && echo "akin.1 is up to date"
