#!/usr/bin/env bash
# Installs pebble, an authority for tests, with a name server for tests. Starts nothing.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

if command -v pebble >/dev/null && command -v pebble-challtestsrv >/dev/null; then
  echo "install-pebble: already there"
  exit 0
fi
install_debian pebble
echo "install-pebble: installed"
