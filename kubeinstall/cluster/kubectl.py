"""kubectl on the first control plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.engine.types import Output
from kubeinstall.facts.values import document, listed, shown
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases.phase import Run

_NO_CLUSTER = 78
_T = TypeVar("_T")


def ask(run: Run, command: str, *, stdin: str | None = None, timeout: float = 60) -> Output:
    """Run a shell script that may call ``$kubectl`` on the first control plane.

    Args:
        stdin: given to the script.
        timeout: seconds.

    Raises:
        KubeinstallError: the connection is lost, or there was no answer in time.
    """
    there = f"[ -e /etc/kubernetes/admin.conf ] || exit {_NO_CLUSTER}"
    script = f"{there}\nkubectl='{KUBECTL}'\n{command}"
    return run.session.ask(run.cluster.first.name, script, stdin=stdin, timeout=timeout)


def must(run: Run, command: str, *, stdin: str | None = None, timeout: float = 60) -> str:
    """The same for a script that has to succeed.

    Returns:
        Its standard output.

    Raises:
        KubeinstallError: it ended with a code other than 0; the finding tells its last words.
    """
    answer = ask(run, command, stdin=stdin, timeout=timeout)
    if answer.exit_code == _NO_CLUSTER:
        raise KubeinstallError(_no_cluster(run))
    if not answer.ok:
        said = (answer.stderr or answer.stdout).strip().splitlines()
        raise KubeinstallError(
            Finding(
                Kind.CLUSTER,
                f"the API server did not do what {run.phase} asked for",
                (run.cluster.first.name,),
                why=" ".join(said[-3:]),
                next=f"on {run.cluster.first.name}: {KUBECTL} get nodes,pods -A -o wide",
            )
        )
    return answer.stdout


def got(run: Run, command: str) -> dict[str, Any]:
    """The JSON object that such a script prints.

    Raises:
        KubeinstallError: it failed, or it printed something else.
    """
    return _read(run, must(run, command), document)


def items(run: Run, command: str) -> list[dict[str, Any]]:
    """The objects of the list that such a script prints.

    Raises:
        KubeinstallError: it failed, or it printed something else.
    """
    return _read(run, must(run, command), listed)


def _read(run: Run, text: str, read: Callable[[str], _T]) -> _T:
    try:
        return read(text)
    except ValueError as error:
        first = run.cluster.first.name
        what = f"kubectl does not print what {run.phase} asked for: {error}"
        then = f"on {first}: {KUBECTL} get nodes -o json | head"
        raise KubeinstallError(
            Finding(Kind.CLUSTER, what, (first,), shown(text[:60]), then)
        ) from None


def _no_cluster(run: Run) -> Finding:
    first = run.cluster.first.name
    return Finding(
        Kind.CLUSTER,
        "there is no cluster yet",
        (first,),
        why=f"{first} has no /etc/kubernetes/admin.conf",
        next="kubeinstall up, with all its phases",
    )
