# shellcheck shell=bash
# Ends the kubelet and its pods on a lab host that is about to be shut down, so that etcd's data and
# the containers are at rest. patience: seconds that the processes of pods have after SIGTERM;
# kubectl: how it is called.
: "${patience?}" "${kubectl?}"
ids() {
  case $1 in
    leaders) pgrep -x 'kube-controller|kube-scheduler' ;;
    pods) find /sys/fs/cgroup -path '*kubepods*' -name cgroup.procs -exec cat {} + 2>/dev/null ;;
  esac
}
# Ends processes; what is left of them after $patience seconds is killed.
finish() {
  local until=$((SECONDS + patience)) signal=TERM pids
  mapfile -t pids < <(ids "$1")
  while [ ${#pids[@]} -gt 0 ]; do
    [ -z $signal ] || kill -s $signal "${pids[@]}" 2>/dev/null
    signal=
    [ $SECONDS -lt $until ] || signal=KILL
    sleep 0.1
    mapfile -t pids < <(ids "$1")
  done
}
systemctl stop kubelet 2>/dev/null
if [ -n "$(ids leaders)" ]; then
  finish leaders
  # As a component does that releases its lease when it ends. Otherwise its successor waits for as
  # long as the lease lasts, from when it first sees it.
  for lease in kube-controller-manager kube-scheduler; do
    $kubectl -n kube-system patch lease $lease --type=merge \
      -p '{"spec": {"holderIdentity": ""}}'
  done >/dev/null 2>&1
fi
finish pods
sync
exit 0
