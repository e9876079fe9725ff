# Everything of this repository starts here; `make` alone lists it.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .local/venv/bin
LOCAL := $(BIN)/python -m local
PACKAGES := app.py lakehouse lambdas stacks glue_scripts dashboard delivery onboarding local bench
# A third of every short process would go into compiling the packages anew; installing compiles none.
unexport PYTHONDONTWRITEBYTECODE
RELEASED := app.py cdk.json stages lakehouse stacks lambdas glue_scripts dashboard requirements.lock
STAGE ?= dev
WHAT ?= all

.DEFAULT_GOAL := help
# every target that tells what it does is a command, not a file
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.* \#\# .*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## everything that is needed, in .local/ (other targets do it by themselves)
	@$(PYTHON) local/install.py

demo: install ## the whole path on this machine, until Ctrl-C (DEMO_ONCE=1: one reconciled run, then JSON)
	@$(LOCAL) demo $(if $(filter-out 0,$(DEMO_ONCE)),--once)

up: install ## start the local AWS, deploy the app, leave it running (SOURCE=postgresql://… CONTRACTS=folder: yours)
	@$(LOCAL) up $(if $(SOURCE),--source '$(SOURCE)') $(if $(CONTRACTS),--contracts '$(CONTRACTS)')

run: install ## one pipeline run now, told state by state
	@$(LOCAL) run

status: install ## what runs, the last runs, the watermarks
	@$(LOCAL) status

logs: install ## last lines of the logs (WHAT=generator|ingest|glue|emulator|dashboard|cdk)
	@$(LOCAL) logs $(WHAT)

dashboard: install ## the address of the dashboard, which App Runner's stand-in serves
	@$(LOCAL) dashboard

host-dashboard: install ## the dashboard over an AWS account: GOLD_DATABASE=, WORKGROUP=, STAGE= and AWS credentials
	@PORT=$${LAKEHOUSE_DASHBOARD_PORT:-8501} $(BIN)/python -m dashboard.server

screenshot: install ## a PNG of the running dashboard, by headless Chromium
	@$(BIN)/python -m local.screenshot "$$($(LOCAL) dashboard)" "$${LAKEHOUSE_HOME:-.local}/dashboard.png"

synth: install ## CloudFormation templates of STAGE (dev, prod, local); needs no credentials
	@$(LOCAL) synth $(STAGE)

cdk: install ## the CDK CLI with your own AWS credentials: make cdk ARGS="deploy -c stage=dev --all"
	@$(LOCAL) cdk $(ARGS)

destroy: install ## cdk destroy every stack of the local AWS
	@$(LOCAL) destroy

down: install ## stop the local AWS and forget its state
	@$(LOCAL) down

clean: ## down, and remove all downloads and builds too
	@if [ -x $(BIN)/python ]; then $(LOCAL) down; fi
	@rm -rf .local cdk.out

ledger: install ## the batches of TABLE=; ACTION=adopt|reload after the source was swapped (WATERMARKS= in an account)
	@$(LOCAL) ledger $(TABLE) $(ACTION) $(if $(WATERMARKS),--watermarks $(WATERMARKS))

backfill: install ## read TABLE= again FROM= a moment on, as new batches (WATERMARKS= in an account)
	@$(LOCAL) backfill $(TABLE) $(FROM) $(if $(WATERMARKS),--watermarks $(WATERMARKS))

quarantine: install ## rows that are held back (TABLE=): rules, counts, an example of each
	@$(LOCAL) quarantine $(TABLE)

quarantine-replay: install ## TABLE= is read again from its earliest held-back row on, and judged again
	@$(LOCAL) quarantine-replay $(TABLE)

repair: install ## mend what a run named: TABLE= (or gold) made anew, or with BATCH= read again
	@$(LOCAL) repair $(TABLE) $(BATCH)

audit: install ## every row of the source against silver (TABLE=), by hash, down to the keys
	@$(LOCAL) audit $(TABLE)

parity: install ## every view as a real Trino answers it, beside the local Athena (after make run; fetches 500 MB)
	@$(LOCAL) parity

maintain: install ## compact silver and gold, forget old snapshots, remove orphans; rows are compared
	@$(LOCAL) maintain

rebuild: install ## silver and gold again from bronze alone, compared row for row (SWAP=1 swaps, STEP=n batches at once)
	@$(LOCAL) rebuild $(if $(filter-out 0,$(SWAP)),--swap) $(if $(STEP),--step $(STEP))

bench-cdc: install ## 5 minutes of writers that do their worst while the ingest is killed: nothing may be lost
	@$(BIN)/python -m bench.cdc $(ARGS)

contracts: install ## contracts of your own PostgreSQL: DSN=postgresql://… (TABLES=orders,sales.* OUT=folder FORCE=1)
	@$(LOCAL) contracts $(ARGS)

prepare-source: install ## SQL that your source lacks: DSN=postgresql://… (TABLES=, APPLY=1 runs it, UNDO=1 is the way back)
	@$(LOCAL) prepare-source $(ARGS)

doctor: install ## what stands in the way of a first run: DSN=postgresql://… (CONTRACTS=folder), or STAGE=local
	@$(LOCAL) doctor $(if $(filter command line environment,$(origin STAGE)),--stage $(STAGE)) $(ARGS)

check: install ## format, lint, types, import rules
	@$(BIN)/ruff format --check $(PACKAGES) tests
	@$(BIN)/ruff check $(PACKAGES) tests
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: check test-unit test-infrastructure ## all checks and tests, the slow ones side by side
	@$(MAKE) --no-print-directory --jobs=2 --output-sync test-engines test-e2e

test-unit: install ## without processes: seconds
	@$(BIN)/pytest tests/unit

test-infrastructure: install ## what the templates say: what exists, what may talk to what
	@$(BIN)/pytest tests/infrastructure

test-spark: install ## real Spark and Iceberg: the Glue job and its parts
	@$(BIN)/pytest tests/integration/glue

test-own: install ## three databases that nobody made for this project, five rounds of random changes (ROUNDS=)
	@ROUNDS=$${ROUNDS:-5} $(BIN)/pytest tests/integration/glue/test_own_databases.py

test-integration: install ## real PostgreSQL, the local Athena, the emulator's seams, a browser
	@$(BIN)/pytest tests/integration --ignore=tests/integration/glue

test-engines: install ## test-spark, then test-integration
	@$(MAKE) --no-print-directory test-spark
	@$(MAKE) --no-print-directory test-integration

test-e2e: install ## deploys, runs, breaks and destroys
	@$(BIN)/pytest tests/e2e

test-permissions: install ## each statement of each role taken away once: what needs it is denied (a quarter of an hour)
	@$(BIN)/pytest tests/permissions
	@$(MAKE) --no-print-directory permissions

bench-ingest: install ## first load and deltas beside psql COPY and others (ARGS="--rows 200000 --runs 1"; --help)
	@$(BIN)/python -W ignore -m bench.ingest $(ARGS)

bench-chunks: install ## 10 million rows in chunks of 20 s, killed on the way: memory flat, exact (ARGS="--help")
	@$(BIN)/python -W ignore -m bench.chunks $(ARGS)

bench-idle: install ## what a poll that finds nothing costs the source, by the server's own clock
	@$(BIN)/python -m bench.idle $(ARGS)

bench-silver: install ## what 1,000 changed rows cost in silver and gold, by size (ARGS="--sizes 100000,1000000"; --help)
	@$(BIN)/python -m bench.silver $(ARGS)

bench-job: install ## the whole Glue job for an ordinary delta, from its start to its end
	@$(BIN)/python -m bench.job $(ARGS)

bench-first-load: install ## 10 million sales from PostgreSQL to reconciled silver, by step (ARGS="--rows 1000000")
	@$(BIN)/python -W ignore -m bench.first_load $(ARGS)

bench-dashboard: install ## from navigation to the first figure, cold and warm, in Chromium (after make run)
	@$(BIN)/python -m bench.dashboard $(ARGS)

bench-tables: install ## one run over 200 tables on the local AWS, one of which fails (ARGS="--tables 50")
	@$(BIN)/python -m bench.many_tables $(ARGS)

bench-transport: install ## a filter change over HTTP beside the plain WebSocket (ARGS="--minutes 5 --loss 30"; --help)
	@$(BIN)/python -W ignore -m bench.transport $(ARGS)

dictionary: install ## tables, views and columns of CONTRACTS=folder (the local stage's), your own gold among them
	@$(LOCAL) dictionary $(ARGS)

docs: install ## docs/data-dictionary.md from the contracts and the tables' descriptions
	@$(BIN)/python -m lakehouse.dictionary > docs/data-dictionary.md

permissions: install ## docs/permissions.md from the templates of all stages
	@for stage in dev local prod; do $(LOCAL) synth $$stage || exit 1; done
	@$(LOCAL) synth-besides
	@$(BIN)/python -m stacks.permissions "$${LAKEHOUSE_HOME:-.local}/cdk.out" > docs/permissions.md

released: install ## what holds data, and the app, as this release has them: upgrades are held against it
	@for stage in dev prod; do $(LOCAL) synth $$stage || exit 1; done
	@$(BIN)/python -m tests.infrastructure.stateful \
		"$${LAKEHOUSE_HOME:-.local}"/cdk.out/{dev,prod}
	@git archive --output=tests/infrastructure/released/app.tar.gz HEAD $(RELEASED)

lock: install ## resolve requirements*.txt anew into requirements.lock, and the dashboard's beside it
	@$(BIN)/uv pip compile -q requirements-dev.txt --generate-hashes --universal --no-header \
		--python-version 3.11 -o requirements.lock
	@$(BIN)/uv pip compile -q dashboard/requirements.txt -c requirements.lock --generate-hashes \
		--python-platform linux --no-header --python-version 3.11 -o dashboard/requirements.lock

cost: install ## what STAGE costs in a month, by service (ARGS="--orders 20000"; --help)
	@$(LOCAL) cost $(STAGE) $(ARGS)

pause: install ## schedules of STAGE off, its database stopped (AWS credentials; STAGE=local without)
	@$(LOCAL) pause $(STAGE)

resume: install ## the database of STAGE started, its schedules on again
	@$(LOCAL) resume $(STAGE)

smoke: install ## one run of STAGE in your account, followed to its end: SUCCEEDED and reconciled, or exit code 1
	@$(BIN)/python -m delivery smoke $(STAGE)

rollback-advice: install ## the commands that take STAGE back to the commit before, and what they leave alone
	@$(BIN)/python -m delivery rollback-advice $(STAGE)
