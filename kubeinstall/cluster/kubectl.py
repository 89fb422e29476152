"""kubectl on a control plane that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from kubeinstall.cluster.answering import Answer, Answering
from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.cluster.node import Node, parsed
from kubeinstall.engine.types import Output
from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.facts.values import document, listed, shown
from kubeinstall.findings import Finding, Kind, KubeinstallError

_NO_CLUSTER = 78
_T = TypeVar("_T")


def script(command: str) -> str:
    """A shell script that may call ``$kubectl``.

    Args:
        command: its lines.
    """
    return f"kubectl='{KUBECTL}'\n{command}"


@dataclass(frozen=True)
class Kubectl:
    """Runs shell scripts that may call ``$kubectl`` on a control plane that answers.

    A script may run twice: on the next control plane, if the first is lost meanwhile.

    Args:
        answering: decides where.
        doing: what it is asked for, in the words of a failure: a phase's name.
    """

    answering: Answering
    doing: str = ""

    def ask(self, command: str, *, stdin: str | None = None, timeout: float = 60) -> Output:
        """What a script answers, whatever its exit code.

        Args:
            stdin: given to the script.
            timeout: seconds.

        Raises:
            KubeinstallError: the connection is lost, or there was no answer in time.
        """
        return self.answer(command, stdin=stdin, timeout=timeout).output

    def must(self, command: str, *, stdin: str | None = None, timeout: float = 60) -> str:
        """The standard output of a script that has to succeed.

        Raises:
            KubeinstallError: it ended with a code other than 0; the finding tells its last words.
        """
        return self._good(self.answer(command, stdin=stdin, timeout=timeout))

    def get(self, command: str) -> dict[str, Any]:
        """The JSON object that a script prints.

        Raises:
            KubeinstallError: it failed, or it printed something else.
        """
        return self._read(command, document)

    def items(self, command: str) -> list[dict[str, Any]]:
        """The objects of the list that a script prints.

        Raises:
            KubeinstallError: it failed, or it printed something else.
        """
        return self._read(command, listed)

    def nodes(self) -> tuple[Node, ...]:
        """The cluster's nodes.

        Raises:
            KubeinstallError: kubectl failed, or it printed something else.
        """
        return parsed(self.items("$kubectl get nodes -o json"))

    def answer(self, command: str, *, stdin: str | None = None, timeout: float = 60) -> Answer:
        """The same as ``ask``, with the name of the host that was asked.

        Raises:
            KubeinstallError: the connection is lost, or there was no answer in time.
        """
        there = f"[ -e {ADMIN} ] || exit {_NO_CLUSTER}"
        return self.answering.ask(f"{there}\n{script(command)}", stdin=stdin, timeout=timeout)

    def _good(self, answer: Answer) -> str:
        output, host = answer.output, answer.host
        if output.exit_code == _NO_CLUSTER:
            raise KubeinstallError(_no_cluster(host))
        if not output.ok:
            said = (output.stderr or output.stdout).strip().splitlines()
            raise KubeinstallError(
                Finding(
                    Kind.CLUSTER,
                    f"the API server did not carry out a request of {self.doing}",
                    (host,),
                    why=" ".join(said[-3:]),
                    next=f"on {host}: {KUBECTL} get nodes,pods -A -o wide",
                )
            )
        return output.stdout

    def _read(self, command: str, read: Callable[[str], _T]) -> _T:
        answer = self.answer(command)
        text = self._good(answer)
        try:
            return read(text)
        except ValueError as error:
            what = f"kubectl printed unexpected output to {self.doing}: {error}"
            then = f"on {answer.host}: {KUBECTL} get nodes -o json | head"
            raise KubeinstallError(
                Finding(Kind.CLUSTER, what, (answer.host,), shown(text[:60]), then)
            ) from None


def _no_cluster(host: str) -> Finding:
    return Finding(
        Kind.CLUSTER,
        "there is no cluster yet",
        (host,),
        why=f"{host} has no {ADMIN}",
        next="kubeinstall up, with all its phases",
    )
