# shellcheck shell=sh
# How objects are asked for. kubectl shows managed fields by itself before 1.21, and does not know
# the option. Objects go packed: CRDs are long. kubectl: how it is called.
: "${kubectl?}"
[ -e /etc/kubernetes/admin.conf ] && [ -x /usr/bin/kubectl ] || exit 0
get() {
  $kubectl get -o json "$@" 2>&1
}
pack() { gzip -c1 | base64; }
# shellcheck disable=SC2034 # used by the scripts that follow
shown=--show-managed-fields
