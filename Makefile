# SPDX-License-Identifier: MIT
# The front of the build; Meson does the work.
#   make          build/akin and the libraries
#   make check    unit, CLI and lint tests, the first two under sanitizers too
BUILD ?= build
ASAN_BUILD ?= build-asan
export ASAN_OPTIONS ?= allocator_may_return_null=1
export LSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0
MESON_FLAGS ?=
PREFIX ?= /usr/local

.PHONY: all program check check-compat check-crash check-web web bench \
	bench-index bench-recall manual install clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

# build/akin alone, for those who wait.
program: $(BUILD)/build.ninja
	@ninja -C $(BUILD) akin

$(BUILD)/build.ninja:
	meson setup --prefix=$(PREFIX) $(MESON_FLAGS) $(BUILD)

$(ASAN_BUILD)/build.ninja:
	meson setup --buildtype=debugoptimized -Db_lundef=false \
		-Db_sanitize=address,undefined $(MESON_FLAGS) $(ASAN_BUILD)

# Prints "N passed, N failed" last.
check: all $(ASAN_BUILD)/build.ninja
	@ninja -C $(ASAN_BUILD) tests/unit akin
	@failed=0; \
	meson test -C $(BUILD) --no-rebuild --print-errorlogs || failed=1; \
	meson test -C $(ASAN_BUILD) --no-rebuild --print-errorlogs unit cli || \
		failed=1; \
	tools/tally $(BUILD)/meson-logs/testlog.json \
		$(ASAN_BUILD)/meson-logs/testlog.json || failed=1; \
	exit $$failed

# The real clients of the formats, in virtual environments and a folder of Node's.
check-compat: all
	@tests/compat/run $(BUILD)/akin

# The browser application, in Chromium; pictures of its pages in build/screenshots.
check-web: program
	@SCREENSHOTS=$(BUILD)/screenshots tests/web/run $(BUILD)/akin

# web/dist out of web/src, after a change there; needs node and npm.
web:
	npm ci --prefix web --no-audit --no-fund
	npm run --prefix web build

# Extractions killed and failing at random moments, and taken up again.
check-crash: all
	@tests/crash/run $(BUILD)/akin

bench: all
	@bench/run $(BUILD)

# The index beside hnswlib, FAISS and usearch, over the sets in a folder:
#   make bench-index DATA=folder   (bench/peers/run says what a set is)
bench-index: all
	@bench/peers/run $(DATA) $(BUILD)

# Whether searches give the recall that was asked for, over such a folder:
#   make bench-recall DATA=folder
bench-recall: all
	@bench/recall $(DATA) $(BUILD)

# docs/CLI.md and docs/akin.1 from the command tables.
manual: program
	@tools/make-manual $(BUILD)/akin docs

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) $(ASAN_BUILD)
