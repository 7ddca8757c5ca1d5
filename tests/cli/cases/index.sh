# SPDX-License-Identifier: MIT
# What is said of the graph of a database that is too small for one, and how a
# search may be told what to find.
make_db birds.db
try akin index birds.db
try akin index birds.db --json -q
try akin index
try akin index nothing.db
try ls birds.db
try akin search birds.db --window 1 -n 2 --exact
try akin search birds.db --window 1 -n 2 --recall 0.9
try akin search birds.db --window 1 -n 2 --ef 50 --quiet
try akin search birds.db --window 1 --ef 50 --exact
try akin search birds.db --window 1 --recall 2
