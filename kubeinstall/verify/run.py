"""Run the checks that are for a host, on all hosts at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from testinfra.host import Host

from kubeinstall.engine.session import Session
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify import pods
from kubeinstall.verify.check import Check, CheckFailed, Here, Result, step_on
from kubeinstall.verify.checks import (
    addons,
    certificates,
    cluster_state,
    control_plane,
    host_ports,
    network,
    node,
    system,
)
from kubeinstall.verify.checks import (
    package_sources as sources,
)

_MOST_AT_ONCE = 50


def checks_for(cluster: Cluster, host: Node, asked: str) -> list[Check]:
    """The checks of a host: a control plane has more.

    Args:
        asked: the name of the control plane that has the cluster's own as well.
    """
    modules = [system, network, sources, node, certificates]
    if host.is_control_plane:
        modules.append(control_plane)
    if host.name == asked:
        modules += [cluster_state, host_ports]
    of_addons = addons.checks(cluster) if host.name == asked else []
    return [*(check for module in modules for check in module.CHECKS), *of_addons]


def verify(session: Session, cluster: Cluster, asked: str, names: Iterable[str]) -> list[Result]:
    """Check hosts that are connected, all at once; results are in the hosts' order.

    Args:
        asked: the control plane that the cluster is asked on.
    """
    hosts = [cluster.host(name) for name in names]
    if not hosts:
        return []

    def one(host: Node) -> list[Result]:
        backend = session.backend(host.name)
        target = Host(backend)
        backend.set_host(target)
        return check_host(target, host, cluster, checks_for(cluster, host, asked))

    with ThreadPoolExecutor(min(_MOST_AT_ONCE, len(hosts) + 1)) as pool:
        between = pool.submit(pods.reach, session, cluster, asked, [host.name for host in hosts])
        each = [result for results in pool.map(one, hosts) for result in results]
        order = [host.name for host in hosts]
        return sorted([*each, *between.result()], key=lambda result: order.index(result.host))


def check_host(target: Host, host: Node, cluster: Cluster, checks: Sequence[Check]) -> list[Result]:
    """Run checks one after another; a lost connection fails one and ends them."""
    results = []
    for check in checks:
        began = time.monotonic()
        failed, message, lost = False, "", False
        then: str = ""
        try:
            check(target, host, cluster)
        except CheckFailed as error:
            failed, message, then = True, error.message, error.then
        except KubeinstallError as error:
            failed, message, then = True, error.findings[0].what, Here(error.findings[0].next)
            lost = True
        except (
            AssertionError,
            AttributeError,
            LookupError,
            OSError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            # What testinfra or a check raises when a host answers something it did not foresee.
            failed, message = True, " ".join(str(error).split())[:500]
        results.append(
            Result(
                host.name,
                f"{check.__module__.rpartition('.')[2]}.{check.__name__}",
                title(check),
                failed,
                message,
                then if isinstance(then, Here) else step_on(host.name, then),
                time.monotonic() - began,
            )
        )
        if lost:
            break
    return results


def title(check: Check) -> str:
    """The first line of a check's docstring, without its full stop."""
    return (check.__doc__ or check.__name__).strip().splitlines()[0].rstrip(".")
