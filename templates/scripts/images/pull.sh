# shellcheck shell=sh
# Pulls images, its parameters, one after another, and reports which cannot be pulled and why.
# docker: empty for containerd, logins: registries that want one, required: empty where an image
# that its registry does not have is only reported.
: "${docker?}" "${logins?}" "${required?}"
# crictl pulls as the kubelet does, with the registries' credentials of containerd's configuration;
# ctr could be given one only as an argument, which everybody sees.
pull() {
  if [ "$docker" ]; then
    docker pull -q "$1"
  elif command -v crictl >/dev/null; then
    crictl -r unix:///run/containerd/containerd.sock pull "$1"
  else
    ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d "$1"
  fi
}
# A registry that says no to one image may have the others; one that cannot be reached has none.
# Where a registry is tried by https and http, its answer is not always what comes last.
answer() {
  no=$(printf '%s\n' "$said" | grep -Em1 \
    'not found|manifest unknown|denied|nauthorized|[Ff]orbidden|http.Status[NUF]')
  case $no in
    *http.StatusNotFound*) echo '404 not found' ;;
    *http.StatusUnauthorized*) echo '401 unauthorized' ;;
    *http.StatusForbidden*) echo '403 forbidden' ;;
    ?*) printf '%s\n' "$no" ;;
    *) printf '%s\n' "$said" | grep . | tail -n 1; return 1 ;;
  esac
}
left() {
  for login in $logins; do
    if [ "${1%%/*}" = "$login" ]; then ! command -v crictl >/dev/null; return; fi
  done
  return 1
}
number=0 failed=
for image in "$@"; do
  number=$((number + 1))
  ! left "$image" || { echo "$image is left to the kubelet, which has the login"; continue; }
  echo "pulling $image ($number of $#)"
  said=$(pull "$image" 2>&1) && continue
  answer >/dev/null || { sleep 3; said=$(pull "$image" 2>&1) && continue; }
  if why=$(answer); then reached=yes; else reached=; fi
  failed="$failed${failed:+
}image $image cannot be pulled: $why"
  [ "$reached" ] || break
done
[ "$failed" ] || exit 0
# An image that the registry does not have may be left out; a registry that cannot be reached is an error.
if [ -z "$required" ] && [ "$reached" ]; then printf '%s\n' "$failed"
else printf '%s\n' "$failed" >&2; exit 1
fi
