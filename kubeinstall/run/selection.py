"""Which phases and hosts a run is for, by their names on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.inventory.suggestions import did_you_mean
from kubeinstall.phases.phase import Phase


def pick(
    phases: Sequence[Phase],
    *,
    first: str | None = None,
    last: str | None = None,
    only: Iterable[str] = (),
) -> tuple[Phase, ...]:
    """The phases of a run, in their order; connect is always one of them.

    Args:
        first, last: from and until which phase, both included.
        only: these phases and no others.

    Raises:
        KubeinstallError: there is no such phase, or none is left.
    """
    names = [phase.name for phase in phases]
    chosen = _known(_split(only), names, "phase")
    if chosen and (first or last):
        raise _usage("--only cannot be used with --from or --until", "use one of them")
    if not chosen:
        start = names.index(_known([first], names, "phase")[0]) if first else 0
        end = names.index(_known([last], names, "phase")[0]) if last else len(names) - 1
        if start > end:
            raise _usage(f"{first} comes after {last}", f"phases in order: {', '.join(names)}")
        chosen = names[start : end + 1]
    return tuple(phase for phase in phases if phase.name in {names[0], *chosen})


def limit(cluster: Cluster, given: Iterable[str]) -> frozenset[str] | None:
    """The hosts of ``--limit``; None: no limit.

    Args:
        given: host names, each of them may be several with commas between.

    Raises:
        KubeinstallError: there is no such host.
    """
    names = _split(given)
    known = [host.name for host in cluster.hosts]
    return frozenset(_known(names, known, "host")) if names else None


def hosts(cluster: Cluster, given: Iterable[str]) -> list[Host]:
    """The hosts within ``--limit``, control planes first.

    Args:
        given: as of ``limit``.

    Raises:
        KubeinstallError: there is no such host.
    """
    names = limit(cluster, given)
    return [host for host in cluster.hosts if names is None or host.name in names]


def _split(given: Iterable[str]) -> list[str]:
    return [name.strip() for part in given for name in part.split(",") if name.strip()]


def _known(given: Iterable[str], known: Sequence[str], what: str) -> list[str]:
    names = list(given)
    for name in names:
        if name not in known:
            listed = f"{what}s: {', '.join(known)}"
            meant = did_you_mean(name, known)
            raise _usage(f"no {what} is named {name!r}", f"{meant} {listed}".strip())
    return names


def _usage(what: str, then: str) -> KubeinstallError:
    return KubeinstallError(Finding(Kind.USAGE, what, next=then))
