# make demo     the whole pipeline on this machine: private PostgreSQL, in-process Kafka broker, live changes, counts checked
# make test     formatting, lints, unit and integration tests
# make parity   the same SQL through walstreet and the real Debezium, every record compared (needs Java 17 and Maven)
# make bench    speed beside tuned Debezium and pg_recvlogical (needs Java 17 and Maven)

.PHONY: demo test parity bench build deps

demo: build
	target/release/walstreet demo

test: deps
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo test

# The scenarios whose subject depends on the server are played on 17 as well, when it is there.
POSTGRES_15 ?= $(wildcard /usr/lib/postgresql/15/bin)
POSTGRES_17 ?= $(wildcard /usr/lib/postgresql/17/bin)
ON_17 = schema-change defaults types types-edge identity names toast transactions truncate messages restart takeover

parity: build
	debezium-compat/run $(if $(POSTGRES_15),--postgres-bin $(POSTGRES_15))
	$(if $(POSTGRES_17),debezium-compat/run --postgres-bin $(POSTGRES_17) $(ON_17))

bench: build
	bench/run

build: deps
	cargo build --release

# Installs what is missing with the system's package manager; does nothing on a machine that has it all.
deps:
	@.ci/deps
