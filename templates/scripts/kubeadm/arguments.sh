# shellcheck shell=sh
# Gives one component of the control plane other arguments, or its old ones back; with the function
# "last_words". phase: of "kubeadm init", that writes its manifest, pod: its pod's name, wanted and
# unwanted: arguments, one a line. The kubelet recreates the pod a moment after its manifest was
# written. A program that rejects its arguments may look well for a second: the pod has to be
# well five times in succession. kubectl: how it is called.
: "${component?}" "${phase?}" "${pod?}" "${wanted?}" "${unwanted?}" "${kubectl?}"
manifest=/etc/kubernetes/manifests/$component.yaml
kept=/etc/kubernetes/kubeinstall/$component.yaml
mkdir -p "${kept%/*}" && cp -p "$manifest" "$kept" || exit
path='{range .spec.containers[0].command[*]}{@}{"\n"}{end}'
path=$path'ready={.status.conditions[?(@.type=="Ready")].status}{"\n"}'
lines() { printf '%s\n' "$1" | grep .; }
is_well() {
  said=$($kubectl -n kube-system get pod "$pod" -o "jsonpath=$path" 2>/dev/null) || return
  lines "$said" | grep -qxF ready=True || return
  ! lines "$wanted" | grep -qvxF -e "$said" || return
  ! lines "$unwanted" | grep -qxF -e "$said" || return
  [ "$($kubectl get --raw /readyz 2>/dev/null)" = ok ]
}
# shellcheck disable=SC2086 # a phase may be two words
/usr/bin/kubeadm init phase $phase --config /dev/stdin || { mv -f "$kept" "$manifest"; exit 1; }
until=$(($(date +%s) + 150)) well=0
while [ "$(date +%s)" -lt $until ]; do
  if is_well; then well=$((well + 1)); else well=0; fi
  if [ $well = 5 ]; then rm -f "$kept"; exit 0; fi
  sleep 1
done
words=$(last_words "$component")
mv -f "$kept" "$manifest"
{
  echo "$component does not come back with its new arguments: it has its old ones again"
  printf '%s\n' "$words"
} >&2
exit 1
