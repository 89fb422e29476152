# shellcheck shell=sh
# Fetches URLs inside pods of the smoke test, all pods at once, each URL again for some seconds. Its
# parameters: a pod's name and its URLs with spaces between, for each pod. kubectl: how it is called.
: "${namespace?}" "${kubectl?}"
# shellcheck disable=SC2016 # the pod's shell expands these
inside='for url; do
  for _ in 1 2 3 4 5; do
    said=$(timeout 3 wget -q -O - "$url" 2>&1)
    case $said in web-*) echo "$url ok"; continue 2 ;; esac
    sleep 1
  done
  echo "$url failed $said"
done'
for pod; do
  # shellcheck disable=SC2086 # a name and URLs
  set -- $pod
  name=$1
  shift
  $kubectl -n "$namespace" exec "$name" -- sh -c "$inside" - "$@" 2>&1 | sed "s/^/$name /" &
done
wait
