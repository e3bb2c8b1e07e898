#!/usr/bin/env bash
# Installs the peers of `cargo xtask bench --only peers`: HAProxy, and ModSecurity for nginx with the
# OWASP Core Rule Set. Starts nothing.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

module=/usr/lib/nginx/modules/ngx_http_modsecurity_module.so
rules=/usr/share/modsecurity-crs/rules
if { command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ]; } && [ -e "$module" ] && [ -d "$rules" ]; then
  echo "install-peers: already there"
  exit 0
fi
install_debian haproxy libnginx-mod-http-modsecurity modsecurity-crs
stop_debian_service haproxy
echo "install-peers: installed"
