#!/usr/bin/env bash
# Installs wrk, the load of `cargo xtask bench`.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

if command -v wrk >/dev/null; then
  echo "install-wrk: already there"
  exit 0
fi
install_debian wrk
echo "install-wrk: installed"
