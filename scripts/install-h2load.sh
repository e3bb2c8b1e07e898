#!/usr/bin/env bash
# Installs h2load, the load of `cargo xtask bench` over HTTP/2 and TLS, and openssl, which makes the
# certificate.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

if command -v h2load >/dev/null && command -v openssl >/dev/null; then
  echo "install-h2load: already there"
  exit 0
fi
install_debian nghttp2-client openssl
echo "install-h2load: installed"
