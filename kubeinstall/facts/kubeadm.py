"""What kubeadm has done on a host."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.resources import script

ADMIN = "/etc/kubernetes/admin.conf"
KUBELET_CONF = "/etc/kubernetes/kubelet.conf"
KUBEADM = "/usr/bin/kubeadm"
KUBECTL = "/usr/bin/kubectl"
KUBELET = "/usr/bin/kubelet"
"""What the packages installed: a program of the same name earlier in PATH may be another one."""


def _pairs(output: list[str]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in output if "=" in line)


@dataclass(frozen=True)
class JoinState:
    """What ``kubeadm join`` left on a host.

    Args:
        kubelet_conf: the kubelet has credentials of its own.
        leftovers: something else of a join is there.
        ca_sha256: fingerprint of the certificate authority that it trusts; empty without one.
        unfinished: the credentials that a join begins with, and removes at its end, are there.
        control_plane: a control plane is, or was, on this host.
    """

    kubelet_conf: bool = False
    leftovers: bool = False
    ca_sha256: str = ""
    unfinished: bool = False
    control_plane: bool = False


class Joined(FactBase[JoinState]):
    """What a join left on this host."""

    @staticmethod
    def default() -> JoinState:
        return JoinState()

    def command(self) -> str:
        return script("kubeadm/joined")

    def process(self, output: list[str]) -> JoinState:
        found = _pairs(output)
        return JoinState(
            "kubelet_conf" in found,
            "leftovers" in found,
            found.get("ca", "").partition(" ")[0],
            "unfinished" in found,
            "control_plane" in found,
        )


@dataclass(frozen=True)
class KubeconfigState:
    """A login's copy of the admin kubeconfig.

    Args:
        home: the login's home folder; empty where there is no such login.
        admin: SHA-256 of admin.conf; empty without one.
        copy: SHA-256 of the login's ~/.kube/config; empty without one.
        right: the copy belongs to the login alone.
        backed_up: a copy from before us lies beside it.
    """

    home: str = ""
    admin: str = ""
    copy: str = ""
    right: bool = False
    backed_up: bool = False


class KubeconfigCopy(FactBase[KubeconfigState]):
    """The state of ``user``'s copy of the admin kubeconfig."""

    @staticmethod
    def default() -> KubeconfigState:
        return KubeconfigState()

    def command(self, user: str) -> str:
        login = shlex.quote(user)
        # Owners are compared by number: a directory may write the login's name in other ways too.
        return f"""
IFS=: read -r _ _ uid _ _ home _ <<END
$(getent passwd {login})
END
echo "home=$home"
copy=$home/.kube/config
[ -e {ADMIN} ] && echo "admin=$(sha256sum < {ADMIN})"
[ -e "$copy" ] && echo "copy=$(sha256sum < "$copy")"
[ "$uid" ] && [ "$(stat -c '%u %a' "$copy" 2>/dev/null)" = "$uid 600" ] && echo right=yes
[ -e "$copy.before-kubeinstall" ] && echo backed_up=yes
true"""

    def process(self, output: list[str]) -> KubeconfigState:
        found = _pairs(output)
        return KubeconfigState(
            found.get("home", ""),
            found.get("admin", "").partition(" ")[0],
            found.get("copy", "").partition(" ")[0],
            "right" in found,
            "backed_up" in found,
        )


CNI_FILES = (
    "*kubeinstall* 10-flannel.conflist 10-calico.conflist 10-canal.conflist calico-kubeconfig"
)
"""What our pod networks put into /etc/cni/net.d, as patterns of the shell."""
INTERFACES = (
    r"cni0|flannel\.[0-9]+|flannel0|flannel-wg|vxlan\.calico|wireguard\.cali|cali[0-9a-f]{11}"
    r"|kube-ipvs0|kube-bridge"
)
"""The interfaces that pod networks and kube-proxy make, as a regular expression."""


class Leftovers(FactBase[frozenset[str]]):
    """What a cluster left on this host, by name; see the operations of ``reset``."""

    @staticmethod
    def default() -> frozenset[str]:
        return frozenset()

    def command(self) -> str:
        return script("kubeadm/leftovers", cni_files=CNI_FILES, interfaces=INTERFACES)

    def process(self, output: list[str]) -> frozenset[str]:
        return frozenset(line.strip() for line in output if line.strip())
