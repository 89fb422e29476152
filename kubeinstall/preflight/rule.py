"""What a rule of preflight is: a pure decision from what the probe of a host found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.preflight.probe import Probe

Probes = Mapping[str, Probe]
"""Host name to what its probe found."""
Rule = Callable[[Cluster, Host, Probe], Iterable[Finding]]


def error(host: str, what: str, why: str = "", then: str = "") -> Finding:
    """A finding that keeps a host out of the run."""
    return Finding(Kind.PREFLIGHT, what, (host,), why, then)


def warning(host: str, what: str, why: str = "", then: str = "") -> Finding:
    """A finding that the run goes on with."""
    return Finding(Kind.PREFLIGHT, what, (host,), why, then, "warning")
