"""A node that changes its runtime: what the old one leaves behind has to go."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra.api.operation import operation

from kubeinstall.operations.commands import Command

# Static pods' data are on the host; everything else was moved to other nodes before.
_STOP = "systemctl stop kubelet"
_DOCKER = """\
if systemctl -q is-active docker; then
  pods=$(docker ps -aq --filter label=io.kubernetes.pod.uid)
  [ -z "$pods" ] || docker rm -f $pods >/dev/null
fi"""
_CONTAINERD = """\
if systemctl -q is-active containerd; then
  # Of a pod that is just ending some cannot be removed at once.
  for i in 1 2 3 4 5; do
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
done"""
# No pod is left to give its address back.
_ADDRESSES = """\
! [ -d /var/lib/cni/networks ] ||
  find /var/lib/cni/networks -type f ! -name lock ! -name 'last_reserved*' -delete"""
_RETIRE = """\
for unit in {units}; do
  ! systemctl -q cat $unit >/dev/null 2>&1 || systemctl -q disable --now $unit || exit
done"""


@operation()
def pods_gone(docker: bool) -> Generator[Command]:
    """The kubelet is stopped, and none of its pods runs in the old runtime.

    Args:
        docker: the old runtime is Docker, else it is containerd.
    """
    yield Command(_STOP)
    yield Command(f"{_DOCKER if docker else _CONTAINERD}\n{_ADDRESSES}", _timeout=300)


@operation()
def retired(units: Sequence[str]) -> Generator[Command]:
    """These units, as far as they are there, neither run nor start at boot."""
    yield Command(_RETIRE.format(units=" ".join(units)))
