#!/usr/bin/env bash
# Installs what the tests of the console's pages need: Chromium, and the playwright-core package
# that drives it, the latter in .tools/browser. Downloads no browser of playwright's own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh

playwright=1.65.1
tools=.tools/browser
wanted="$tools/node_modules/playwright-core/package.json"

if ! command -v chromium >/dev/null; then
  install_debian chromium
fi
if ! command -v npm >/dev/null; then
  install_debian nodejs npm
fi
if grep -qs "\"version\": \"$playwright\"" "$wanted"; then
  echo "install-chromium: already there"
  exit 0
fi
mkdir -p "$tools"
[ -f "$tools/package.json" ] || echo '{"private": true}' >"$tools/package.json"
npm install --prefix "$tools" --no-audit --no-fund --silent --ignore-scripts \
  --save-exact "playwright-core@$playwright"
echo "install-chromium: installed"
