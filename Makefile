# Everything needs `make`, bash and, for the first run, a network; the rest is brought in by .ci/setup.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

PORT ?= 8080
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/wattage
# Outside the checkout, so that a fresh clone finds what was built before.
export CARGO_TARGET_DIR ?= $(CACHE)/target
# Which compiler and tools: written by .ci/setup.
ENV := . "$(CACHE)/env" &&
# One profile for everything that is run, so that no crate is built in two ways.
RELEASE := --release --locked
WASM := --target wasm32-unknown-unknown -p wattage-engine -p wattage-app
# What the page may weigh on the wire, in bytes, after brotli.
PAGE_LIMIT := 2000000
# The engine that `make compare` times beside this one.
WLLAMA := 3.13.0
# What axe-core finds in the page is tested where .ci/setup could fetch it.
AXE = $(wildcard $(CACHE)/axe-$(shell sed -n "s/^AXE=//p" .ci/setup)/axe.min.js)
# The embedded model, where its training leaves checkpoints, and how it is trained: from new weights, then on with other examples;
# the fifth, seventh, ninth, eleventh, fourteenth and sixteenth part begin with the mean of several models. STEPS=n makes all parts short, to try them.
TINY := public/models/wattage-tiny
RUN ?= $(CACHE)/train-tiny
# $(call examples,first,count,steps)
examples = --first $(1) --count $(if $(STEPS),2000,$(2)) --steps $(or $(STEPS),$(3))
LATE := --answers 0.4 --answers-late 0.4 --patience 40
FIRST := $(call examples,0,110000,14000) --mawps-copies 40 --rate 1.5e-3 --workers 1
SECOND := $(call examples,110000,300000,14000) --mawps-copies 25 --rate 8e-4 --answers 0.3 --patience 40
THIRD := $(call examples,410000,1020000,32000) --mawps-copies 30 --rate 8e-4 $(LATE)
FOURTH := $(call examples,1790000,290000,9000) --mawps-copies 30 --rate 8e-4 $(LATE)
FIFTH := $(call examples,2080000,40000,1000) --mawps-copies 6 --rate 2e-4 $(LATE)
SIXTH := $(call examples,2120000,160000,5000) --mawps-copies 30 --rate 8e-4 $(LATE)
SEVENTH := $(call examples,2280000,45000,1000) --mawps-copies 6 --rate 2e-4 $(LATE)
EIGHTH := $(call examples,2330000,260000,8000) --mawps-copies 30 --rate 7e-4 $(LATE)
NINTH := $(call examples,2590000,45000,1000) --mawps-copies 6 --rate 2e-4 $(LATE)
TENTH := $(call examples,2635000,160000,5000) --mawps-copies 30 --rate 8e-4 $(LATE)
ELEVENTH := $(call examples,2795000,45000,1000) --mawps-copies 6 --rate 2e-4 $(LATE)
# From here on each layer also learns that it is of use at its own depth only.
TWELFTH := $(call examples,2840000,65000,1500) --mawps-copies 6 --rate 3e-4 $(LATE) --foreign 0.3
THIRTEENTH := $(call examples,2910000,160000,4000) --mawps-copies 30 --rate 7e-4 $(LATE) --foreign 0.1
FOURTEENTH := $(call examples,3080000,55000,1200) --mawps-copies 6 --rate 2.5e-4 $(LATE) --foreign 0.2
FIFTEENTH := $(call examples,3140000,150000,2000) --mawps-copies 20 --rate 4e-4 --answers 0.9 --answers-late 0.9 --patience 40 --foreign 0.05
SIXTEENTH := $(call examples,3300000,30000,500) --mawps-copies 6 --rate 2e-4 --answers 0.7 --answers-late 0.7 --patience 40 --foreign 0.2
# What a pretrained base is asked for layers of its own.
QUESTIONS := --count 8000 --mawps-copies 4 --gsm8k-copies 1 --distracted 0.4
# Stories that are asked in several ways, of which only the question tells what is wanted: about 22,000.
SCENES := --count 280000 --only story-scene --seed 2
TRAINER = "$(CARGO_TARGET_DIR)/release/wattage-trainer"
# $(call part,name,models that it begins with,arguments): trains a part and writes its model.
define part
@$(TRAINER) tiny $(foreach from,$(2),--start "$(RUN)/$(from)/model") --out "$(RUN)/$(1)" --mawps "$(DATA)/mawps/trainset.json" $(3)
	@$(TRAINER) export --from "$(RUN)/$(1)" --out "$(RUN)/$(1)/model"
endef
RESULTS := $(CARGO_TARGET_DIR)/test-results.txt

.PHONY: help setup setup-page page offline demo check size test test-real compare train-tiny eval-tiny train-layers eval-layers bench bench-plain fmt clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: setup-page ## Set up, build the page and serve it on 127.0.0.1 (PORT=8080)
	@echo "Building the page; it will be at http://127.0.0.1:$(PORT)/ (Ctrl-C ends it)"
	@$(ENV) exec trunk serve --release --no-autoreload true --watch index.html --port $(PORT)

test: setup check page size offline ## Set up, then formatting, lints, every test and the page's size
	@mkdir -p "$(dir $(RESULTS))"
	@$(ENV) WATTAGE_AXE="$(AXE)" cargo test $(RELEASE) --workspace $(if $(AXE),--features wattage-tests/axe) --no-fail-fast 2>&1 | tee "$(RESULTS)" || failed=1; \
	awk '/^test result:/ { p += $$4; f += $$6 } END { printf "tests: %d passed, %d failed\n", p, f; exit !p }' \
	    "$(RESULTS)"; \
	[ -n "$(AXE)" ] || echo "left out: what axe-core finds in the page (.ci/setup says why)"; \
	exit $${failed:-0}

setup: ## Bring in compiler target, tools, browser and graphics driver
	@.ci/setup

setup-page:
	@.ci/setup page

page: setup-page ## Build the page into dist/
	@$(ENV) trunk build --release

offline: page ## Build the page as one file, dist/wattage-offline.html, that needs no server
	@app/single.sh dist

check: setup ## Formatting and lints, native and wasm32
	@$(ENV) cargo fmt --all --check
	@$(ENV) cargo clippy $(RELEASE) --workspace --all-targets --features wattage-tests/axe -- -D warnings
	@$(ENV) cargo clippy $(RELEASE) $(WASM) -- -D warnings

size: page
	@total=0; for file in dist/*.wasm; do \
	    size=$$(brotli -q 11 -c "$$file" | wc -c); total=$$((total + size)); \
	    echo "$$file: $$(wc -c <"$$file") bytes, $$size after brotli"; \
	done; \
	if [ $$total -gt $(PAGE_LIMIT) ]; then echo "the page's wasm is over $(PAGE_LIMIT) bytes: $$total" >&2; exit 1; fi

test-real: setup page ## Tests against a real model (MODEL=file.gguf)
	@[ -n "$(MODEL)" ] || { echo "say which model: make test-real MODEL=path/to/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf" >&2; exit 2; }
	@[ -f "$(MODEL)" ] || { echo "there is no file '$(MODEL)'" >&2; exit 2; }
	@$(ENV) WATTAGE_MODEL="$(abspath $(MODEL))" cargo test $(RELEASE) --workspace --features wattage-tests/real --test real -- --nocapture

compare: setup page ## Speed in the browser beside wllama on the same file (MODEL=file.gguf; needs npm)
	@[ -f "$(MODEL)" ] || { echo "say which model: make compare MODEL=file.gguf" >&2; exit 2; }
	@command -v npm >/dev/null || { echo "npm is needed: it fetches wllama" >&2; exit 2; }
	@mkdir -p "$(CACHE)/wllama-$(WLLAMA)"
	@cd "$(CACHE)/wllama-$(WLLAMA)" && [ -d package ] || tar xzf "$$(npm pack --silent @wllama/wllama@$(WLLAMA))"
	@cp tests/compare/wllama.html "$(CACHE)/wllama-$(WLLAMA)/package/"
	@$(ENV) WATTAGE_MODEL="$(abspath $(MODEL))" WATTAGE_WLLAMA="$(CACHE)/wllama-$(WLLAMA)/package" \
	    cargo test $(RELEASE) --workspace --features wattage-tests/real --test speed -- --nocapture --test-threads 1

train-tiny: setup ## Train the embedded model from scratch, or go on with it (DATA=folder with mawps/, gsm8k/; RUN=folder)
	@[ -f "$(DATA)/mawps/trainset.json" ] || { echo "say where the data is: make train-tiny DATA=folder, with mawps/trainset.json and gsm8k/train.jsonl (see README)" >&2; exit 2; }
	@$(ENV) cargo build $(RELEASE) --workspace
	$(call part,first,,$(FIRST))
	$(call part,second,first,$(SECOND))
	$(call part,third,second,$(THIRD))
	$(call part,fourth,third,$(FOURTH))
	$(call part,fifth,third fourth,$(FIFTH))
	$(call part,sixth,fifth,$(SIXTH))
	$(call part,seventh,fifth sixth,$(SEVENTH))
	$(call part,eighth,seventh,$(EIGHTH))
	$(call part,ninth,seventh eighth,$(NINTH))
	$(call part,tenth,ninth,$(TENTH))
	$(call part,eleventh,ninth tenth,$(ELEVENTH))
	$(call part,twelfth,eleventh,$(TWELFTH))
	$(call part,thirteenth,twelfth,$(THIRTEENTH))
	$(call part,fourteenth,eleventh thirteenth,$(FOURTEENTH))
	$(call part,fifteenth,fourteenth,$(FIFTEENTH))
	$(call part,sixteenth,eleventh fourteenth fifteenth,$(SIXTEENTH))
	@cp "$(RUN)"/sixteenth/model/* $(TINY)/
	@$(TRAINER) scorer --model $(TINY) --mawps "$(DATA)/mawps/trainset.json" --gsm8k "$(DATA)/gsm8k/train.jsonl" \
	    --units 32 --epochs 30 --dropout 0.1

train-layers: setup ## Train WASM layers on a pretrained base (BASE=file.gguf DATA=folder LAYERS=folder; RUN=folder)
	@[ -n "$(BASE)" ] && [ -f "$(BASE)" ] || { echo "say on which base: make train-layers BASE=file.gguf DATA=folder LAYERS=folder" >&2; exit 2; }
	@[ -n "$(LAYERS)" ] || { echo "say where the layers go: LAYERS=folder" >&2; exit 2; }
	@[ -f "$(DATA)/mawps/trainset.json" ] && [ -f "$(DATA)/gsm8k/train.jsonl" ] || { echo "say where the data is: DATA=folder, with mawps/trainset.json and gsm8k/train.jsonl (see README)" >&2; exit 2; }
	@$(ENV) cargo build $(RELEASE) --workspace
	@$(TRAINER) states --base "$(BASE)" --out "$(RUN)/states" --mawps "$(DATA)/mawps/trainset.json" --gsm8k "$(DATA)/gsm8k/train.jsonl" $(QUESTIONS)
	@$(TRAINER) states --base "$(BASE)" --out "$(RUN)/scenes" $(SCENES)
	@$(TRAINER) layers --states "$(RUN)/states" --states "$(RUN)/scenes" --out "$(RUN)/layers" --model "$(LAYERS)" --steps $(or $(STEPS),12000)
	@$(TRAINER) scorer --model "$(LAYERS)" --base "$(BASE)" --mawps "$(DATA)/mawps/trainset.json" --gsm8k "$(DATA)/gsm8k/train.jsonl" \
	    --surveys "$(RUN)/surveys.jsonl" --generated 500 --apart 500 --copies 2 --distracted 0.4

eval-layers: setup ## Measure layers on a pretrained base, and the base alone (BASE=file.gguf LAYERS=folder DATA=folder RUN=folder)
	@[ -n "$(BASE)" ] && [ -f "$(BASE)" ] && [ -f "$(LAYERS)/wasm_layers.safetensors" ] || { echo "say which: make eval-layers BASE=file.gguf LAYERS=folder DATA=folder" >&2; exit 2; }
	@[ -f "$(DATA)/mawps/testset.json" ] || { echo "say where the data is: make eval-layers DATA=folder (see README)" >&2; exit 2; }
	@$(ENV) cargo build $(RELEASE) --workspace
	@mkdir -p "$(RUN)/eval"; measure() { \
	    set=$$1; shift; $(TRAINER) questions "$$@" --out "$(RUN)/eval/$$set.jsonl"; \
	    ask() { \
	        way=$$1; shift; echo "$$set, $$way:"; \
	        "$(CARGO_TARGET_DIR)/release/wattage" eval --device cpu --json --data "$(RUN)/eval/$$set.jsonl" --sample 200 \
	            --out "$(RUN)/eval/$$set.$$way.jsonl" --resume "$$@"; }; \
	    ask layers --model "$(BASE)" --layers "$(LAYERS)"; \
	    ask alone --model "$(BASE)" --no-layers --together 16; \
	    ask steps --model "$(BASE)" --no-layers --together 16 --suffix "Think step by step, then give the answer as a number at the end."; }; \
	measure direct --set direct --count 5; \
	measure mawps --set mawps --from "$(DATA)/mawps/testset.json"; \
	measure asdiv-a --set asdiv --from "$(DATA)/asdiv/ASDiv.xml" $(addprefix --ids ,$(wildcard $(DATA)/asdiv/asdiv-a/*.txt)); \
	measure svamp --set svamp --from "$(DATA)/svamp/svamp-half.json"; \
	measure gsm8k --set gsm8k --from "$(DATA)/gsm8k/test.jsonl"
	@$(TRAINER) controls --base "$(BASE)" --layers "$(LAYERS)" --data "$(RUN)/eval/mawps.jsonl"
	@$(TRAINER) mistakes --answers "$(RUN)/eval/asdiv-a.layers.jsonl" "$(RUN)/eval/svamp.layers.jsonl"
	@$(TRAINER) digits --answers "with layers=$(RUN)/eval/direct.layers.jsonl" "base alone=$(RUN)/eval/direct.alone.jsonl" \
	    "base step by step=$(RUN)/eval/direct.steps.jsonl" --out "$(RUN)/eval/digits.svg"

eval-tiny: setup ## Measure the embedded model (DATA=folder with mawps/, svamp/, asdiv/, gsm8k/)
	@[ -f "$(DATA)/mawps/testset.json" ] || { echo "say where the data is: make eval-tiny DATA=folder (see README)" >&2; exit 2; }
	@$(ENV) cargo build $(RELEASE) --workspace
	@mkdir -p "$(RUN)/eval"; measure() { \
	    set=$$1; shift; $(TRAINER) questions "$$@" --out "$(RUN)/eval/$$set.jsonl"; echo "$$set:"; \
	    "$(CARGO_TARGET_DIR)/release/wattage" eval --model $(TINY) --device cpu --json \
	        --data "$(RUN)/eval/$$set.jsonl" --out "$(RUN)/eval/$$set.out.jsonl"; }; \
	measure generated --set generated --count 2000 --without story-scene,story-apart; \
	measure phrasings --set phrasings; \
	measure asked --set asked; \
	measure mawps --set mawps --from "$(DATA)/mawps/testset.json"; \
	measure mawps-new --set mawps --from "$(DATA)/mawps/testset.json" --unlike "$(DATA)/mawps/trainset.json"; \
	measure svamp --set svamp --from "$(DATA)/svamp/svamp-half.json"; \
	measure asdiv --set asdiv --from "$(DATA)/asdiv/ASDiv.xml"; \
	measure gsm8k --set gsm8k --from "$(DATA)/gsm8k/test.jsonl"

bench: setup ## Speed of prefill and decode (MODEL=file.gguf, or the shape of Qwen3 0.6B)
	@$(ENV) cargo run $(RELEASE) -p wattage-engine --bin wattage -- bench \
	    --model "$(or $(MODEL),shape:qwen3-0.6b)" --prompt-tokens 128 --gen-tokens 32 --json

bench-plain: setup ## The kernels on a GPU beside plain f32 ones
	@$(ENV) cargo test $(RELEASE) --workspace --features wattage-tests/bench --test plain -- --nocapture --test-threads 1

fmt: ## Format the source
	@$(ENV) cargo fmt --all

clean: ## Remove the built page and all build artefacts
	rm -rf dist "$(CARGO_TARGET_DIR)"
