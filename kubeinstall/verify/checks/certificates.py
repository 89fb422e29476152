"""The certificates' dates on every host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from testinfra.host import Host

from kubeinstall.certificates import CERTIFICATES, expiries
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import expect

_SOON = timedelta(days=7)


def certificates_last_a_week(host: Host, _node: Node, _cluster: Cluster) -> None:
    """All certificates are valid for at least 7 more days."""
    now = datetime.now(UTC)
    found = list(expiries(host.check_output(CERTIFICATES)))
    expect(found, "there are no certificates")
    ends = [f"{path} ends {end:%Y-%m-%d}" for path, _, end in found if end < now + _SOON]
    expect(not ends, "; ".join(ends), "kubeadm certs renew all")
    early = [f"{path} begins {begin:%Y-%m-%d %H:%M}" for path, begin, _ in found if begin > now]
    expect(not early, "; ".join(early), "compare the clocks: timedatectl")


CHECKS = (certificates_last_a_week,)
