# shellcheck shell=sh
# Removes all containers of Kubernetes that containerd has.
if systemctl -q is-active containerd; then
  # Of a pod that is just ending some cannot be removed at once.
  for _ in 1 2 3 4 5; do
    for task in $(ctr -n k8s.io tasks ls -q); do ctr -n k8s.io tasks rm -f "$task"; done
    for pod in $(ctr -n k8s.io containers ls -q); do ctr -n k8s.io containers rm "$pod"; done
    [ "$(ctr -n k8s.io containers ls -q)" ] || break
    sleep 1
  done >/dev/null 2>&1
  left=$(ctr -n k8s.io containers ls -q)
  [ -z "$left" ] || { echo "containers that containerd cannot remove: $left" >&2; exit 1; }
fi
for at in /run/netns/cni-*; do
  [ ! -e "$at" ] || { umount "$at"; rm -f "$at"; }
done
