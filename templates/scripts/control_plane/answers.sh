# shellcheck shell=sh
# Waits until the API server is well three times in succession; says why it is not, with the
# function "last_words". kubectl: how it is called.
: "${kubectl?}"
until=$(($(date +%s) + 150)) well=0
while [ "$(date +%s)" -lt $until ]; do
  if [ "$($kubectl get --raw /readyz 2>/dev/null)" = ok ]; then well=$((well + 1)); else well=0; fi
  [ $well != 3 ] || exit 0
  sleep 1
done
{
  last_words kube-apiserver; last_words etcd
  printf 'the API server does not answer: '
  $kubectl get --raw /readyz 2>&1 | tail -n 1
} >&2
exit 1
