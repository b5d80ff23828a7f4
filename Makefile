# Two commands matter: `make app` opens the explorer, `make test` runs every test. Both set themselves up.
# `make app ROOTS="FOLDER ..."` also lists the checkpoints and datasets in those folders.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup app test test-app test-rest test-js check lint types clean requirements structure views

setup: $(READY)

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $(READY)

app: $(READY)
	$(BIN)/streamlit run app/main.py -- $(ROOTS)

# Two processes at a time, the browser's tests and all others, with a thread each: the tests take half as long.
test: lint test-js
	@$(MAKE) --no-print-directory -j2 test-app test-rest

test-app: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -o cache_dir=.pytest_cache/app tests/app tests/test_wheel.py

test-rest: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --ignore=tests/app --ignore=tests/test_wheel.py

# The scripts' unit tests need Node alone.
test-js:
	@if command -v node >/dev/null; then node --test tests/scripts/*.test.js; \
	else echo "skipped: the scripts' unit tests need Node 18 or newer"; test -z "$$SURGE_REQUIRE_NODE"; fi

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	.ci/lint-scripts
	@if [ -x $(BIN)/hadolint ]; then $(BIN)/hadolint Dockerfile; \
	else echo "skipped: linting the Dockerfile needs hadolint, which requirements.txt names"; fi

types: $(READY)
	$(BIN)/mypy

check: types test

# pyproject.toml names the dependencies; what is made from it is renewed here. Afterwards, with uv: `uv lock`.
requirements:
	$(PYTHON) .ci/requirements.py

# the drawing in docs/architecture.md
structure: $(READY)
	$(BIN)/python .ci/structure.py

# the table of views in the README
views: $(READY)
	PYTHONPATH=. $(BIN)/python .ci/views.py

clean:
	rm -rf .venv node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
