"""The control plane's settings: what the cluster has noted of them, and what its pods run with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyinfra.api.facts import FactBase

from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.facts.kubectl import Timeout, kubectl

MANIFESTS = "/etc/kubernetes/manifests"


@dataclass(frozen=True)
class StaticPodsState:
    """The control plane of a host.

    Args:
        configuration: kubeadm's ClusterConfiguration, as YAML; empty: the cluster has none, or does
            not answer.
        arguments: component to the arguments in its manifest, ``--name=value`` each.
    """

    configuration: str = ""
    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class StaticPods(FactBase[StaticPodsState]):
    """The settings of the control plane on this host."""

    @staticmethod
    def default() -> StaticPodsState:
        return StaticPodsState()

    def command(self) -> str:
        path = "jsonpath={.data.ClusterConfiguration}"
        noted = f"{kubectl(Timeout.POLL)} -n kube-system get configmap kubeadm-config -o '{path}'"
        return f"""
[ -e {MANIFESTS}/kube-apiserver.yaml ] && [ -e {ADMIN} ] || exit 0
echo "configuration $({noted} 2>/dev/null | base64 -w0)"
for file in {MANIFESTS}/*.yaml; do
  name=${{file##*/}}
  sed -n "s/^ *- --/${{name%.yaml}} --/p" "$file"
done
true"""

    def process(self, output: list[str]) -> StaticPodsState:
        configuration = ""
        arguments: dict[str, list[str]] = {}
        for line in output:
            name, _, rest = line.partition(" ")
            if name == "configuration":
                configuration = _decoded(rest)
            elif rest.startswith("--"):
                arguments.setdefault(name, []).append(rest)
        return StaticPodsState(configuration, {k: tuple(v) for k, v in arguments.items()})


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
