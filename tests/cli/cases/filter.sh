# SPDX-License-Identifier: MIT
# Filters apply before the ranking.
make_db birds.db
find_rows() { try akin search birds.db --file "$SOUNDS/call.wav" -n 20 --filter "$1" --format csv; }
rows() { find_rows "$1" 2>/dev/null | grep -E '^(\$|exit|[0-9])' | cut -d , -f 2,4-6 | LC_ALL=C sort -n; }
rows "recording = 'birds/SITE2*'"
rows "date = 2023-05-12 and time < 12:00"
rows "date >= 2023-06"
rows "not recording = '*SITE*'"
rows "id <= 2 or id = 9"
rows "deployment = birdnet_default and id < 3"
rows "project != birdnet_analyzer_dataset"
try akin search birds.db --window 1 --filter "date >= "
try akin search birds.db --window 1 --filter "colour = red"
try akin search birds.db --window 1 --filter "date > 2030"
