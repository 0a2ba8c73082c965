# `make up` brings the product up on this machine, `make test` proves it. Everything else is a part of these two.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV  := .venv
BIN   := $(VENV)/bin
STACK_VENV := .local/ministack-venv
INSTALLED := $(VENV)/.installed $(STACK_VENV)/.installed

export UV_NO_PROGRESS := 1
export SAM_CLI_TELEMETRY := 0

# A Python of the functions' own minor version: by name (a pyenv shim reads .python-version), then uv's, then python3.
FIND_PYTHON = for python in "$$(command -v python3.13)" "$$(uv python find 3.13 2>/dev/null)" "$$(command -v python3)"; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { echo "$$python"; exit; }; done; \
	echo "Arrears needs Python 3.13 (pyenv install 3.13, or uv python install 3.13)." >&2; exit 1

.PHONY: help
help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environment -----------------------------------------------------------------------------------------------------

.PHONY: install
install: $(INSTALLED) ## Put everything that is needed into .venv and .local

# pip brings uv, uv brings the rest: seconds instead of minutes, and every file checked against its hash.
$(BIN)/uv: requirements/bootstrap.txt
	@echo "Installing Python packages into $(VENV) and $(STACK_VENV)"
	@python=$$($(FIND_PYTHON)); "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.installed: requirements/dev.txt pyproject.toml | $(BIN)/uv
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(STACK_VENV)/.installed: requirements/stack.txt | $(BIN)/uv
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(STACK_VENV)
	@VIRTUAL_ENV=$(STACK_VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements/stack.txt
	@touch $@

COMPILE := uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"
.PHONY: lock
lock: ## Resolve requirements/*.in anew (UPGRADE=1: to the latest)
	$(BIN)/$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/dev.in -o requirements/dev.txt
	$(BIN)/$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/stack.in -o requirements/stack.txt
	$(BIN)/$(COMPILE) -c requirements/dev.txt requirements/bootstrap.in -o requirements/bootstrap.txt
	$(BIN)/$(COMPILE) -c requirements/dev.txt requirements/layer.in -o layers/arrears/requirements.txt

# --- checks --------------------------------------------------------------------------------------------------------------

.PHONY: test
test: install ## Run every test, those on a local stack of their own included
	@$(BIN)/pytest --numprocesses 2

.PHONY: check
check: install ## Format, lint, types, import directions, template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sam validate --lint

.PHONY: docs
docs: install ## Write what the documentation takes from the code: OpenAPI document, tables
	@PYTHONPATH=tests:docs $(BIN)/python -m generate

# A package that could not be looked up counts as a failure: this needs the network. bandit beyond what ruff's rules of
# it say line by line: B310, addresses that are opened, are the local stack's own.
.PHONY: audit
audit: install ## Known vulnerabilities in what is installed and shipped, and insecure code (needs the network)
	$(BIN)/bandit --quiet --recursive --severity-level medium --skip B310 layers/arrears/arrears functions
	$(foreach lock,layers/arrears/requirements.txt requirements/dev.txt requirements/stack.txt, \
		$(BIN)/pip-audit --strict --progress-spinner off --disable-pip --require-hashes --requirement $(lock) &&) true

.PHONY: sbom
sbom: install ## What is in the layer, as CycloneDX on stdout
	@$(BIN)/python -m local_stack.sbom

.PHONY: screens
screens: install ## Make the pictures of the README, of the running local stack (needs Chromium)
	@PYTHONPATH=tests:docs $(BIN)/python -m generate.screens

.PHONY: bench
bench: install ## Measure cold starts, answers, writes and their cost against floors (a quarter of an hour)
	@$(BIN)/python -m bench

# --- local stack ---------------------------------------------------------------------------------------------------------

LOCAL := $(BIN)/python -m local_stack.local

.PHONY: up
up: install ## Build, start and fill the local stack; prints where it answers
	@$(LOCAL) up

.PHONY: down
down: install ## Stop the local stack; its data is kept
	@$(LOCAL) down

.PHONY: reset
reset: install ## Stop the local stack and delete its data
	@$(LOCAL) reset

.PHONY: build
build: install ## sam build (ARCHITECTURE=arm64 for Graviton)
	@$(LOCAL) build

# --- AWS -----------------------------------------------------------------------------------------------------------------

.PHONY: stage
stage:
	@[[ "$(STAGE)" =~ ^[a-z][a-z0-9_]*$$ && "$(STAGE)" != local ]] || { echo "Name a stage in AWS: STAGE=prod" >&2; exit 1; }

# The first time SAM asks, and keeps the answers in samconfig.toml under the stage's name.
.PHONY: deploy
deploy: stage build ## Deploy into AWS (STAGE=prod); asks the first time
	@if grep -q '^\[$(STAGE)\.deploy\.' samconfig.toml; then \
		$(BIN)/sam deploy --config-env $(STAGE); \
	else \
		$(BIN)/sam deploy --guided --config-env $(STAGE) --stack-name arrears-$(STAGE) \
			--capabilities CAPABILITY_IAM --parameter-overrides Stage=$(STAGE) $(if $(ARCHITECTURE),Architecture=$(ARCHITECTURE)); \
	fi

.PHONY: destroy
destroy: stage install ## Delete a stack in AWS (STAGE=prod); tables and import bucket are kept
	@$(BIN)/sam delete --config-env $(STAGE)
	@echo "Kept: the ledger, access and history tables and the import bucket. Delete them by hand if nothing of them is needed."

.PHONY: invoke
invoke: install ## Run a function in a container (FUNCTION=ReceivablesOverdueFunction EVENT=events/receivables_overdue.json)
	@$(LOCAL) invoke "$(FUNCTION)" "$(EVENT)"

.PHONY: api
api: install ## Serve the API with its functions in containers on port 3000 (PORT=3001: there)
	@$(LOCAL) api $(if $(PORT),--port $(PORT))
