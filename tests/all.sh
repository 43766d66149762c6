#!/usr/bin/env bash
# Installs what is missing, then runs every test there is: unit, integration, documentation.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v curl >/dev/null || missing+=(curl)
# The contact sheet is opened in a real browser.
command -v chromium >/dev/null || missing+=(chromium)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
# Campaigns are kept in a real database, which the tests start by themselves.
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
command -v setpriv >/dev/null || missing+=(util-linux)
# That database's certificates.
command -v openssl >/dev/null || missing+=(openssl)
# Clips are stored in an S3, and timelines read by a library, that others wrote.
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  if command -v apt-get >/dev/null; then
    as_root apt-get update -qq && as_root apt-get install -y -qq "${missing[@]}"
  else
    echo "please install: ${missing[*]}" >&2
    exit 1
  fi
fi
if ! command -v cargo >/dev/null; then
  echo "please install Rust 1.89 or later: https://rustup.rs" >&2
  exit 1
fi

bash tests/moto.sh "${CARGO_TARGET_DIR:-target}/tmp" >/dev/null
bash tests/otio.sh "${CARGO_TARGET_DIR:-target}/tmp" >/dev/null

if cargo nextest --version >/dev/null 2>&1; then
  # Many tests wait for programs and timers more than they compute.
  cargo nextest run --locked --lib --bins --examples --tests --test-threads "$(($(nproc) * 2))"
else
  cargo test --locked --lib --bins --examples --tests
fi
cargo test --locked --doc
