"""kubeadm's images: which it wants, and which the runtime has."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.kubeadm import KUBEADM


@dataclass(frozen=True)
class ImagesState:
    """kubeadm's images on a host.

    Args:
        node: the host is a node already, whose kubelet sees to images.
        known: kubeadm could tell which it wants; it cannot before it is installed.
        present: those that it wants and the runtime has, as kubeadm names them.
        missing: those that the runtime does not have.
    """

    node: bool = False
    known: bool = False
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Images(FactBase[ImagesState]):
    """kubeadm's images on this host.

    Args:
        config: kubeadm's configuration documents.
        docker: the runtime is Docker, else it is containerd.
    """

    @staticmethod
    def default() -> ImagesState:
        return ImagesState()

    def command(self, config: str, docker: bool) -> str:
        there = 'docker image inspect "$image" >/dev/null 2>&1'
        if not docker:
            there = 'printf "%s\\n" "$all" | grep -qxF "$image"'
        all_images = "" if docker else "all=$(ctr -n k8s.io images ls -q 2>/dev/null)"
        return f"""
if [ -e /etc/kubernetes/kubelet.conf ]; then echo node=yes; exit 0; fi
[ -x {KUBEADM} ] || exit 0
wanted=$({list_command(config)} 2>/dev/null) && echo known=yes
{all_images}
for image in $wanted; do
  if {there}; then echo "present=$image"; else echo "missing=$image"; fi
done
true"""

    def process(self, output: list[str]) -> ImagesState:
        pairs = [line.strip().partition("=") for line in output]
        return ImagesState(
            any(key == "node" for key, _, _ in pairs),
            any(key == "known" for key, _, _ in pairs),
            tuple(image for key, _, image in pairs if image and key == "present"),
            tuple(image for key, _, image in pairs if image and key == "missing"),
        )


def list_command(config: str) -> str:
    """The command by which kubeadm names its images, one a line.

    Args:
        config: kubeadm's configuration documents.
    """
    return f"printf %s {shlex.quote(config)} | {KUBEADM} config images list --config /dev/stdin"
