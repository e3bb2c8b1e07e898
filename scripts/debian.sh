# Sourced by the install scripts: Debian packages, with as little as possible of everything.

# Runs a command as root: directly, or through sudo where that is how this machine does it.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "$(basename "$0"): needs root or sudo for: $*" >&2
    return 1
  fi
}

# Installs packages; refreshes the package lists only when they are missing or out of date.
install_debian() {
  if ! command -v apt-get >/dev/null; then
    echo "$(basename "$0"): not a Debian machine: please install $* yourself" >&2
    return 1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" && return 0
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@"
}

# Stops and disables a service that its package has started, where there is a service manager.
stop_debian_service() {
  if [ -d /run/systemd/system ]; then
    as_root systemctl disable --now --quiet "$1"
  fi
}
