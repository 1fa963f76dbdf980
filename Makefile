# The two commands of a fresh machine: `make demo` and `make check`. Everything else is meson (meson.build).

WORLD ?= world
export WORLD

.PHONY: help setup build demo check bench clean

help:
	@echo "make demo    install what is needed, build, and run the main job end to end (WORLD=folder, default ./world)"
	@echo "make check   install what is needed, build with warnings as errors, run every test, also under sanitizers"
	@echo "make bench   measure against peers in the same run; prints a table and writes bench.json"
	@echo "make build   only build (into build/);   make setup   only install all packages;   make clean"

setup:
	@scripts/setup.sh

build:
	@scripts/setup.sh build
	@scripts/build.sh build

demo:
	@scripts/setup.sh build demo
	@scripts/build.sh build
	@demo/demo.sh --build build --world "$$WORLD"

check:
	@scripts/setup.sh
	@scripts/check.sh

bench:
	@scripts/setup.sh
	@scripts/build.sh build
	@scripts/bench.sh --build build --out bench.json

clean:
	rm -rf build build-check build-asan bench.json
