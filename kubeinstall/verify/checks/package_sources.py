"""Where packages come from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from testinfra.host import Host

from kubeinstall.facts.signing_keys import SigningKeys
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import Check, expect, up

_KEYS = "/etc/apt/keyrings/kubernetes-apt-keyring.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-kubernetes"


def signing_key_is_good(host: Host, _node: Node, cluster: Cluster) -> None:
    """The signing key of Kubernetes' packages has not expired."""
    packages = cluster.spec.packages
    if packages.archive:
        return
    then: str = up("--only packages")
    if packages.key:
        then = f"save the package source's current key as {packages.key}, then {then}"
    try:
        keys = SigningKeys.read(host.run(f"cat {_KEYS} 2>/dev/null").stdout)
    except ValueError:
        expect(False, "the signing key of Kubernetes' packages is missing", then)
        return
    if keys.expires is not None and keys.expires < time.time():
        day = datetime.fromtimestamp(keys.expires, UTC).date()
        expect(False, f"the signing key of Kubernetes' packages expired on {day}", then)


CHECKS: Sequence[Check] = (signing_key_is_good,)
