#!/usr/bin/env bash
# Installs cargo-fuzz into .tools/cargo, and a C++ compiler for libFuzzer where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh

version=0.13.2
binary=.tools/cargo/bin/cargo-fuzz

if ! command -v c++ >/dev/null; then
  install_debian g++
fi
if [ -x "$binary" ] && "$binary" --version | grep -qF " $version"; then
  echo "install-fuzz: already there"
  exit 0
fi
cargo install cargo-fuzz --locked --quiet --version "$version" --root .tools/cargo
echo "install-fuzz: installed"
