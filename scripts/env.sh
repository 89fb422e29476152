# shellcheck shell=bash
# Sourced by the other scripts: creates a Python environment from the lock file once, outside the
# checkout, for kubeinstall from this checkout. Needs root, apt and python3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n==> %s\n' "$*"; }
apt_install() {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

[ "$(id -u)" = 0 ] || {
  echo "This needs root: it creates network namespaces and systemd-nspawn hosts. Run it with sudo." >&2
  exit 1
}

cache=${KUBEINSTALL_CACHE:-/var/cache/kubeinstall}
key=$({ cat requirements.lock; python3 --version; } | sha256sum | cut -c1-12)
venv=$cache/venv/$key

if [ ! -x "$venv/ready/bin/kubeinstall-env" ]; then
  say "Creating the Python environment in $venv (once)"
  python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
  rm -rf "$venv"
  mkdir -p "$venv"
  python3 -m venv "$venv/ready"
  "$venv/ready/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
  # Written last, so that an incomplete environment is created again.
  ln -s python3 "$venv/ready/bin/kubeinstall-env"
fi
# shellcheck disable=SC2034 # used by the scripts that source this
python=$venv/ready/bin/python
export PATH="$venv/ready/bin:$PATH"
# The checkout itself, not an installed copy: what you edit is what runs.
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
kubeinstall() { "$python" -m kubeinstall "$@"; }
# Only drawing the results of benchmarks needs it, so it is not in requirements.lock.
draws() {
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.lock
}
