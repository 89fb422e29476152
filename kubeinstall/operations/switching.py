"""A node that changes its runtime: what the old one leaves behind has to go."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra.api.operation import operation

from kubeinstall.operations.commands import Command
from kubeinstall.resources import script

# Static pods' data are on the host; everything else was moved to other nodes before.
_STOP = "systemctl stop kubelet"
_DOCKER = """\
if systemctl -q is-active docker; then
  pods=$(docker ps -aq --filter label=io.kubernetes.pod.uid)
  [ -z "$pods" ] || docker rm -f $pods >/dev/null
fi"""
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
    emptied = _DOCKER if docker else script("runtime/containerd_emptied")
    yield Command(f"{emptied}\n{_ADDRESSES}", _timeout=300)


@operation()
def retired(units: Sequence[str]) -> Generator[Command]:
    """These units, as far as they are there, neither run nor start at boot."""
    yield Command(_RETIRE.format(units=" ".join(units)))
