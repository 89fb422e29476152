"""What hosts were set up as, by their kubelets' files: for a cluster that cannot be asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from kubeinstall.facts.values import ipv4
from kubeinstall.files import kubelet as kubelet_files

if TYPE_CHECKING:
    from kubeinstall.engine.session import Session

_SCRIPT = (
    f"[ -e /etc/kubernetes/kubelet.conf ] || exit 0\n"
    f"cat {kubelet_files.FLAGS} && printf '\\036' && cat {kubelet_files.CONFIG}"
)


@dataclass(frozen=True)
class OwnWords:
    """A node by the files of its kubelet.

    Args:
        node_ip: the address that it goes by; None: it does not say.
        runtime: the name of its runtime; empty: another one than ours, or no node.
    """

    node_ip: IPv4Address | None = None
    runtime: str = ""

    @classmethod
    def parse(cls, text: str) -> OwnWords:
        """Read the script's answer; a host that is no node says nothing."""
        env, separator, config = text.partition("\036")
        if not separator:
            return cls()
        flags = kubelet_files.flags(env)
        instance = kubelet_files.document(config)
        runtime = kubelet_files.runtime_of(kubelet_files.socket_of(flags, instance))
        return cls(_address(flags.get("node-ip", "")), runtime.value if runtime else "")


def own_words(session: Session, names: Iterable[str]) -> dict[str, OwnWords]:
    """Ask hosts for what their kubelets were set up with, all at once."""
    answers = session.ask_all(dict.fromkeys(names, _SCRIPT), timeout=20)
    return {name: OwnWords.parse(answer.stdout) for name, answer in answers.items()}


def _address(text: str) -> IPv4Address | None:
    try:
        return ipv4(text)
    except ValueError:
        return None
