"""kubectl's command line, in one place for everything that runs it on a host."""

from __future__ import annotations

from enum import IntEnum

from kubeinstall.facts.kubeadm import ADMIN, KUBECTL


class Timeout(IntEnum):
    """How long kubectl waits for one answer of the API server, in seconds."""

    POLL = 5
    """A question that a loop asks again and again, until the API server answers."""
    REQUEST = 15
    """A question, or a change of one object."""
    CHANGE = 60
    """A change that admission webhooks may hold up: each of them has up to 30 seconds."""


def kubectl(timeout: Timeout = Timeout.REQUEST, kubeconfig: str = ADMIN) -> str:
    """How kubectl is called on a host; its arguments follow.

    A later ``--request-timeout`` among the arguments wins: 0, for what waits by itself.

    Args:
        timeout: for each request.
        kubeconfig: whose credentials it uses; default: the administrator's, which control planes
            have.
    """
    return f"{KUBECTL} --kubeconfig {kubeconfig} --request-timeout={timeout.value}s"
