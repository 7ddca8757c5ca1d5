# SPDX-License-Identifier: MIT
# Help goes to standard output when asked for, to standard error otherwise.
try akin
try akin --help
try akin help search
try akin info --help
try akin help filter
try akin help nothing
try akin serch
akin --version | grep -q '^akin [0-9]' && echo "has a version"
