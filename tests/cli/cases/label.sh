# SPDX-License-Identifier: MIT
# Labels: given, listed, found again by a filter, exported and imported.
make_db birds.db
try akin label birds.db --window 1 8 --label "Turdus merula" --by anna
try akin label birds.db --window 1 --label "Turdus merula" --by anna
try akin label birds.db --window 5 --label rain --negative
try akin label birds.db --window 6 --label rain --uncertain --json
try akin label birds.db --window 99 --label rain
try akin label birds.db --list
try akin label birds.db --list --json
try akin search birds.db --window 1 -n 1 --filter "label = 'Turdus*'"
akin label birds.db --list --format csv >labels.csv
cat labels.csv
make_db other.db
try akin label other.db --import labels.csv
try akin label other.db --import labels.csv
akin label other.db --list --format csv | cmp - labels.csv && echo same
printf 'recording,start,end,label\nbirds/SITE1_20230512_060000.wav,0.2,2.5,wren\nbirds/nosuch.wav,0,3,wren\n' >rough.csv
try akin label other.db --import rough.csv
akin label other.db --list --format csv | tail -n 1
printf 'recording,start,end,label\nx.wav,zero,3,wren\n' >bad.csv
try akin label other.db --import bad.csv
printf 'file,start\nx.wav,0\n' >bad.csv
try akin label other.db --import bad.csv
try akin label birds.db --remove 2 99
try akin label birds.db --remove 3 --json
akin label birds.db --list --format csv | wc -l
try akin label birds.db --remove 1 --list
