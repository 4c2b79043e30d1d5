# Watchbell as a small image: the binary, a folder for data, nobody's shell.
#
#   docker build -t watchbell .
#   docker run -p 127.0.0.1:8080:8080 -e WATCHBELL_URL=https://watchbell.example.com -e ANA_TOKEN -e PROMETHEUS_TOKEN \
#     -v watchbell:/data -v "$PWD/config:/config:ro" watchbell
#
# WATCHBELL_URL is what links in pages begin with: without it telephones are sent to themselves.
# In a container it listens beyond loopback, and it refuses to start like that without a token in `[api] tokens`.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked && \
    install -D target/release/watchbell /out/watchbell && \
    install -d /out/data

# glibc, the root certificates and nothing to log in to; its user is 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/watchbell /usr/local/bin/watchbell
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /
VOLUME ["/data"]
EXPOSE 8080
# Asks the running server for /healthz; exit 0 when it lives.
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["/usr/local/bin/watchbell", "health", "--server", "http://127.0.0.1:8080"]
# SIGTERM lets what has been accepted finish; the engine needs well under a second.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/watchbell"]
CMD ["serve", "--config", "/config", "--data", "/data", "--listen", "0.0.0.0:8080"]
