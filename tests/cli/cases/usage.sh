# SPDX-License-Identifier: MIT
# Misuse: one line that names the option, exit code 2, nothing done.
try akin extract
try akin extract only-one
try akin extract a b --overlpa 1
try akin extract a b --overlap one
try akin extract a b --overlap
try akin extract a b --min-length -1
try akin extract a b --force=yes
try akin search db
try akin search --file x
try akin search db --file x --window 3
try akin search db --file x -n 0
try akin search db --file x --crop-mode middle
try akin search db --window x
try akin verify
try akin verify a b
try akin label db
try akin label db --window 1
try akin label db --window 1 --label x --negative --uncertain
try akin label db --list --import x.csv
try akin export db
try akin export db out.txt --to csv
try akin export db out.csv --to txt
try akin model frobnicate
try akin model show nosuch
ls
