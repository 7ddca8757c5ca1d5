# SPDX-License-Identifier: MIT
# BirdNET-Analyzer's command lines, as its users type them.
cp -r "$SOUNDS/birds" IN
cp "$SOUNDS/call.wav" call.wav
try akin extract -i IN -db DB --overlap 1 -b 16 --fmin 150 --fmax 12000 \
    --audio_speed 1.0 --file_output out.csv --n_workers 2 --n_producers 1
head -n 1 out.csv
wc -l <out.csv
cut -d , -f 1-3 out.csv | head -n 4
try akin search -q call.wav -db DB -o out --n_results 2 \
    --score_function cosine --crop_mode segments --overlap 1 --audio_root .
ls out | sed -E 's/^-?[0-9.]+_/S_/' | sort
head -n 1 out/manifest.csv
try akin extract -i call.wav -db DB2 -b 0 --fmin -5 --fmax 99999 --audio_speed 0 \
    --overlap -1 -t 2 -q
akin info DB2 | grep -E 'overlap|speed|band'
try akin search -q call.wav -db DB --n_results 1 --crop_mode segments --overlap 4
try akin search --queryfile call.wav --database DB --n_results 1 --quiet
