#!/usr/bin/env bash
# Installs what `cargo xtask differential` puts our requests to, beside nginx: HAProxy, Node.js and
# h11 for Python. Starts nothing.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

missing=()
command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
command -v node >/dev/null || missing+=(nodejs)
knows_h11() {
  python3 -c 'import h11' 2>/dev/null || /usr/bin/python3 -c 'import h11' 2>/dev/null
}
knows_h11 || missing+=(python3 python3-h11)
if [ "${#missing[@]}" -eq 0 ]; then
  echo "install-readers: already there"
  exit 0
fi
install_debian "${missing[@]}"
case " ${missing[*]} " in
  *" haproxy "*) stop_debian_service haproxy ;;
esac
echo "install-readers: installed"
