# syntax=docker/dockerfile:1
# The binary needs glibc, OpenSSL 3 and zlib at run time; curl is there for health checks.
FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libssl-dev zlib1g-dev pkg-config make g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
# Dependencies alone first: they change rarely, and compiling librdkafka takes a minute.
RUN mkdir -p src tests && echo 'fn main() {}' > src/main.rs && touch src/lib.rs tests/main.rs \
 && cargo build --release --locked && rm -r src tests
COPY sql ./sql
COPY src ./src
RUN mkdir -p tests && touch src/lib.rs src/main.rs tests/main.rs && cargo build --release --locked && strip target/release/walstreet

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl libssl3 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 1001 --home-dir /nonexistent --shell /usr/sbin/nologin walstreet
COPY --from=build /build/target/release/walstreet /usr/local/bin/walstreet
USER 1001
ENTRYPOINT ["walstreet"]
CMD ["--help"]
