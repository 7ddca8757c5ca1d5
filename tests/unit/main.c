/* SPDX-License-Identifier: MIT
 * Runs the unit tests: all, or those whose names begin with an argument.
 * --list prints the names. AKIN_ISA is the instruction set of the kernels.
 * The last line is "N passed, N failed, N skipped". */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/isa.h"
#include "test.h"

#define TEST_TABLE(name) extern const test_case test_##name##_cases[];
#include "tables.inc"
#undef TEST_TABLE

static const test_case *const tables[] = {
#define TEST_TABLE(name) test_##name##_cases,
#include "tables.inc"
#undef TEST_TABLE
};

static int failures;
static bool skipped;
static char dir[256];

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("    %s:%d: ", strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
           line);
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
    failures++;
}

void test_skip(const char *reason)
{
    printf("    skipped: %s\n", reason);
    skipped = true;
}

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char child[4096];
        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        struct stat st;
        if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode))
            remove_tree(child);
        else
            unlink(child);
    }
    if (d) closedir(d);
    rmdir(path);
}

const char *test_dir(void)
{
    if (*dir) return dir;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/akin-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        exit(2);
    }
    return dir;
}

const char *test_data(const char *name)
{
    static char path[2][4096];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", AKIN_TESTS_DATA, name);
    return path[turn];
}

const char *test_real_data(const char *name)
{
    static char path[4096];
    const char *root = getenv("AKIN_TEST_DATA");
    snprintf(path, sizeof path, "%s/%s", root ? root : AKIN_REAL_DATA, name);
    return access(path, R_OK) == 0 ? path : NULL;
}

static bool wanted(const char *name, int argc, char **argv)
{
    if (argc < 2) return true;
    for (int i = 1; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0) return true;
    return false;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0, n_skipped = 0;
    bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!isa_use(getenv("AKIN_ISA"))) {
        fprintf(stderr, "cannot run AKIN_ISA=%s\n", getenv("AKIN_ISA"));
        return 2;
    }
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const test_case *c = tables[t]; c->name; c++) {
            if (list) {
                puts(c->name);
                continue;
            }
            if (!wanted(c->name, argc, argv)) continue;
            failures = 0;
            skipped = false;
            c->run();
            if (*dir) remove_tree(dir);
            *dir = 0;
            if (failures)
                failed++;
            else if (skipped)
                n_skipped++;
            else
                passed++;
            printf("%s %s\n", failures ? "FAIL" : skipped ? "skip" : "ok  ",
                   c->name);
        }
    }
    if (!list)
        printf("%d passed, %d failed, %d skipped\n", passed, failed, n_skipped);
    return failed ? 1 : 0;
}
