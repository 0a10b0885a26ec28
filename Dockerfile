# syntax=docker/dockerfile:1
# One image for every role: `clustergenie migrate`, `api`, `relay`, `project` and `work`, with every feature.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libzstd-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The caches make a second build quick; the program is copied out because a cache is not part of the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package clustergenie --features archive \
 && install -D target/release/clustergenie /out/clustergenie

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin clustergenie
COPY --from=build /out/clustergenie /usr/local/bin/clustergenie
USER 10001:10001

# `api` serves GraphQL on the first port. Every role answers /livez, /readyz and /metrics on the second one.
ENV CLUSTERGENIE_LISTEN=0.0.0.0:8085 \
    CLUSTERGENIE_METRICS_LISTEN=0.0.0.0:8086
EXPOSE 8085 8086
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
    CMD ["clustergenie", "health", "--url", "http://127.0.0.1:8086"]

ENTRYPOINT ["clustergenie"]
CMD ["--help"]
