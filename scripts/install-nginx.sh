#!/usr/bin/env bash
# Installs nginx, beside which `cargo xtask bench` measures the gateway. Starts nothing.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

if command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; then
  echo "install-nginx: already there"
  exit 0
fi
# Debian starts a freshly installed server; a bench that measures one wants no second one running.
install_debian nginx
stop_debian_service nginx
echo "install-nginx: installed"
