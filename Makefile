# The front door. `make help` lists what there is; everything else is CMake's (see CMakePresets.json).

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 60
SOAK_FIRST ?= 1
SOAK_COUNT ?= 10000
PREFIX ?= /usr/local
DEMO ?= examples/day-in-the-life/day.yaml

.PHONY: all docs demo test bench bench-against goodput fuzz soak install check-all mutate setup docs-conformance docs-curves docs-goodput docs-states golden clean help release

all: release

setup:
	@scripts/setup all

release:
	@scripts/setup build
	@cmake --preset release >build-release.log 2>&1 || { cat build-release.log; exit 1; }; rm -f build-release.log
	@cmake --build build -j$(JOBS)

demo: release
	@build/strata lab $(DEMO) --pcap build/demo.pcapng
	@echo
	@echo "Every frame of it is in build/demo.pcapng: open it in Wireshark, or try"
	@echo "    build/strata capture --read build/demo.pcapng"
	@echo "Fetch a file from Strata with your own curl, over a TAP interface in a namespace made for it:"
	@echo "    scripts/demo_curl"

test:
	@scripts/setup test
	@scripts/test

bench: release
	@scripts/setup bench
	@scripts/bench $(BENCH)

bench-against:
	@scripts/setup test
	@scripts/bench_against $(BASE) $(BENCH)

goodput: release
	@scripts/goodput $(GOODPUT)

fuzz:
	@scripts/setup test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz

soak:
	@scripts/setup build
	@cmake --preset soak >build-soak.log 2>&1 || { cat build-soak.log; exit 1; }; rm -f build-soak.log
	@cmake --build --preset soak -j$(JOBS) --target test_transport_tcp_soak
	@JOBS=$(JOBS) SOAK_FIRST=$(SOAK_FIRST) SOAK_COUNT=$(SOAK_COUNT) scripts/soak

install: release
	@cmake --install build --prefix $(PREFIX)

check-all:
	@scripts/setup all
	@scripts/check_all

mutate:
	@scripts/setup test
	@python3 scripts/mutate.py $(MUTATE_ARGS)

golden: release
	@GOLDEN_WRITE=1 build/tests/test_lab_goodput
	@GOLDEN_WRITE=1 STRATA=build/strata STRATA_SOURCE=. python3 tests/lab/mistakes.py
	@build/strata lab schema >docs/scenario.schema.json
	@git diff --stat tests/lab

docs-states:
	@python3 scripts/tcp_states.py --write

docs: release
	@scripts/setup docs
	@scripts/book/make.py

docs-curves: release
	@for file in examples/congestion/*.yaml; do build/strata lab $$file --quiet \
	    --curve docs/curves/$$(basename $$file .yaml).svg >/dev/null || exit 1; done
	@build/strata medium --quiet --curve docs/curves/medium.svg && ls docs/curves

docs-goodput:
	@scripts/goodput --report build/goodput.jsonl --write

docs-conformance:
	@python3 scripts/conformance.py --write
	@python3 scripts/settings.py --write
	@test ! -x build/strata || build/strata lab schema >docs/scenario.schema.json

clean:
	rm -rf build build-*

help:
	@echo "make             build the library, the lab and build/strata (release)"
	@echo "make demo        a day in the life of a web page request, in the lab"
	@echo "make test        sanitizer and release tests, all peers on this machine (up to 10 minutes)"
	@echo "make check-all   the long version: clang, 32-bit, big-endian, valgrind, long tests"
	@echo "make bench       the benchmark table; also build/bench.json"
	@echo "make bench-against BASE=COMMIT   the same load on COMMIT and on this tree, in turns: what a change costs"
	@echo "make goodput     TCP beside Linux over an emulated cable: 50 minutes; GOODPUT=--quick for half a minute"
	@echo "make fuzz        every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) seconds"
	@echo "make soak        random lab runs of TCP: SOAK_COUNT=$(SOAK_COUNT) seeds from SOAK_FIRST=$(SOAK_FIRST) on; resumable"
	@echo "make mutate      removes a sample of behaviours and shows that the citing tests fail"
	@echo "make install     to PREFIX=$(PREFIX)"
	@echo "make setup       install every package the above need (Debian)"
	@echo "make docs        the book: build/book/index.html"
	@echo "make docs-conformance   write docs/conformance.md from the citations, docs/settings.md from the table"
	@echo "make docs-states   draw docs/tcp-states.svg from the table of legal steps"
	@echo "make docs-curves   draw docs/curves/ from examples/congestion and strata medium, with gnuplot"
	@echo "make docs-goodput   put the newest table of make goodput into docs/goodput.md"
	@echo "make golden      write tests/lab/golden/ what is said of mistakes, and the schema, where a change was meant"
	@echo "make clean       remove all build folders"
