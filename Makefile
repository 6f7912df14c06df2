# SPDX-License-Identifier: GPL-3.0-or-later
SHELL := /bin/bash
.NOTPARALLEL:
.DELETE_ON_ERROR:

BIN := .venv/bin
SYSTEM := autograder
INVENTORY := inventories/$(patsubst autograder-lab,lab,$(SYSTEM)-lab)
PREPARE := $(wildcard molecule/$(SYSTEM)/prepare.yml)
PROOF := $(wildcard examples/$(SYSTEM)/lab/proof.yml)
LAB := $(BIN)/python -m tests.lab
PLAY := $(BIN)/ansible-playbook -i $(INVENTORY)
LAB_TESTS := $(patsubst molecule/%/molecule.yml,lab-test-%,$(wildcard molecule/*/molecule.yml))
TARGETS := demo plan status teardown test lint sanity unit unit39 unit-thorough unit-cores lab-test lab-test-more test-kernel bench help lock schema
.PHONY: $(TARGETS) $(LAB_TESTS)

help: ## say what there is; a scenario says it in its molecule.yml
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-20s%s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@awk 'sub("^## ", "") {split(FILENAME, path, "/"); printf "make lab-test-%-11s%s\n", path[2], $$0}' molecule/*/molecule.yml

demo plan status teardown: export FLOTILLA_LAB ?= lab
demo plan status teardown: $(INVENTORY) .venv/.runtime

demo: ## start three nodes, make them a swarm, deploy the autograder, or another example as SYSTEM=ray
	$(LAB) up --name $(FLOTILLA_LAB)
	$(PREPARE:%=$(PLAY) %)
	$(PLAY) site.yml
	$(PLAY) playbooks/status.yml
	$(PROOF:%=$(PLAY) %)

plan: ## say what `make demo` would change, and change nothing
	$(PLAY) playbooks/plan.yml

status: ## show the swarm of the lab
	$(PLAY) playbooks/status.yml

teardown: ## take the swarm apart and remove the lab
	$(PLAY) playbooks/teardown.yml -e confirm=lab
	$(LAB) down --name $(FLOTILLA_LAB)

inventories/%:
	$(error there is no $@; SYSTEM is one of $(patsubst inventories/%-lab,%,$(wildcard inventories/*-lab)) or autograder)

test: lint sanity unit39 lab-test unit ## every check, with a lab of its own; under 30 minutes

lint: .venv/.test ## ruff, mypy, yamllint, ansible-lint, changelog, execution environment
	$(BIN)/ruff check .
	$(BIN)/mypy -p ansible_collections.flotilla.swarm.plugins
	$(BIN)/mypy tests molecule
	$(BIN)/yamllint --strict .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/ansible-lint
	$(BIN)/antsibull-changelog lint
	$(BIN)/ansible-builder create --verbosity 1 --file execution-environment.yml --context .cache/execution-environment

sanity: .venv/.test ## ansible-test sanity on the built artefact
	$(BIN)/python tests/sanity.py

unit: .venv/.test ## the unit tests, on all processors; those of alerts ask a real Prometheus where Debian's packages can be had
	-$(BIN)/python -m tests.prometheus_programs
	$(BIN)/pytest -q --numprocesses auto --dist loadfile

unit39: ## the unit tests of module code on Python 3.9, where there is one
	tests/unit39.sh

THOROUGH := FLOTILLA_PLANTED=1 FLOTILLA_FAULTS=200 FLOTILLA_FUZZ=10000 FLOTILLA_ARCHIVES=50000 FLOTILLA_SHUFFLES=5 FLOTILLA_CLI_STACKS=2500 FLOTILLA_COMPOSE_STACKS=300 HYPOTHESIS_PROFILE=thorough
STACK_TESTS := plugin_utils/compose action/test_action_stack_corpus.py module_utils/_core/stack/test_stack_property.py module_utils/test_archive_fuzz.py

unit-thorough: .venv/.test ## thousands of random stacks and broken files, next to docker stack deploy and docker compose, planted secrets; 18 minutes
	-$(BIN)/python -m tests.docker_compose
	$(THOROUGH) $(BIN)/pytest -q $(STACK_TESTS:%=tests/unit/plugins/%) tests/unit/test_planted_secrets.py

unit-cores: ## the unit tests of plugins, modules and roles with the oldest and the newest ansible-core; 6 minutes
	tests/unit_cores.sh

lab-test: lab-test-default ## the tests on real nodes; the lab is removed afterwards

lab-test-more: .venv/.test ## the longer tests on real nodes, about 25 minutes: roles of the hosts, membership of the swarm
	tests/on_nodes.sh hosts cluster

$(LAB_TESTS): lab-test-%: .venv/.test
	tests/on_nodes.sh $*

lab-test-kernel: export LAB_DRIVER := uml

test-kernel: lab-test-kernel ## the tests on nodes with kernels of their own, about half an hour

bench: .venv/.runtime ## time, requests and memory of runs that change nothing, next to docker_stack and the client; 10 minutes
	$(BIN)/python -m tests.bench

schema: .venv/.test ## make the schema of inventories and the tables of the roles' READMEs from the argument specs
	PYTHONPATH=collections $(BIN)/python -m tests.role_options

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade

lock: ## take the newest releases that the requirements allow into the locks, with their hashes; needs uv
	$(LOCK) requirements.txt --output-file requirements-lock.txt
	$(LOCK) --constraint requirements-lock.txt requirements-test.txt --output-file requirements-test-lock.txt

.venv/.runtime: requirements-lock.txt tests/venv.sh
	tests/venv.sh .venv requirements-lock.txt
	@touch $@

.venv/.test: requirements-test-lock.txt .venv/.runtime
	tests/venv.sh .venv requirements-test-lock.txt
	@touch $@
