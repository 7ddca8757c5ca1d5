/* SPDX-License-Identifier: MIT
 * The texts of `akin help TOPIC`; the manual holds them too. */
#include "cli/commands.h"

const help_topic help_topics[] = {
    {"filter", "which windows a search looks at",
     "--filter EXPR limits a search to the windows for which EXPR holds. It "
     "applies\nbefore the ranking: asking for 10 gives 10 if 10 exist.\n\n"
     "  expr   = term { \"or\" term }     term = factor { \"and\" factor }\n"
     "  factor = \"not\" factor | \"(\" expr \")\" | field op value\n"
     "  field  = recording | deployment | project | date | time | label | id\n"
     "  op     = \"=\" \"!=\" \"<\" \"<=\" \">\" \">=\"\n"
     "  value  = a bare word, or 'single quoted' or \"double quoted\" text\n\n"
     "  recording   the name as stored, with its folders; = and != take the\n"
     "              patterns * and ?, here and for deployment, project, label\n"
     "  date        of the window's start: 2023, 2023-05, 2023-05-12 or\n"
     "              2023-05-12T06:00; = means the whole year, month, ...\n"
     "  time        of the day, by the same clock: 06:00\n"
     "  label       positive labels on a part of the recording that the\n"
     "              window overlaps\n"
     "  id          the number of the window\n\n"
     "Dates come from the names of the recordings (SITE1_20230512_060000.wav "
     "and the\nlike); windows of recordings without one pass no test of date "
     "or time. The words\nof the grammar may be in upper or lower case.\n\n"
     "  recording = 'north/*' and date >= 2023-05 and time < 09:00\n"
     "  label = 'Turdus*' or (deployment = pond and not id < 1000)\n"},
    {"exit-codes", "what the exit code of akin tells",
     "  0    done\n"
     "  1    done, but some inputs failed; each is named with its reason\n"
     "  2    wrong usage\n"
     "  3    reading, writing, the database or the model failed\n"
     "  4    corrupt data\n"
     "  130  stopped by Ctrl-C; the database is valid and keeps what was "
     "done\n\n"
     "Results go to standard output, everything else to standard error. With "
     "--json\nstandard output holds nothing but JSON.\n"},
    {"birdnet-analyzer", "for users of BirdNET-Analyzer",
     "The options of BirdNET-Analyzer's embeddings and search commands are "
     "understood\nas they are, in either spelling (--audio_speed, "
     "--audio-speed):\n\n"
     "  akin extract -i recordings -db birds.db --overlap 1 -b 16 --fmin 150 "
     "\\\n"
     "      --fmax 12000 --audio_speed 1.0 --file_output birds.csv\n"
     "  akin search -q call.wav -db birds.db -o clips --n_results 20 \\\n"
     "      --score_function cosine --crop_mode segments --audio_root "
     "recordings/..\n\n"
     "What differs:\n"
     "  - the model is one of akin's (akin model list), stored with the "
     "database;\n"
     "  - the search prints its answers, and writes manifest.csv beside the "
     "clips;\n"
     "  - --audio_root may be left out where the recordings were not moved;\n"
     "  - times are seconds of the original file at any audio speed;\n"
     "  - the mean of --crop_mode segments is over all windows of the query, "
     "and dot\n    answers come best first;\n"
     "  - a run that is started again goes on where the last one ended;\n"
     "  - -q is --quiet on extract, and the query on search.\n"},
    {.name = NULL},
};
