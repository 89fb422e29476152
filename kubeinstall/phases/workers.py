"""workers: kubeadm join, all workers at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

from kubeinstall.cluster.joining import DELETE_TOKENS, EXPIRE_TOKENS, TOKEN_COMMAND, token
from kubeinstall.cluster.kubectl import script
from kubeinstall.cluster.leaving import remove_nodes
from kubeinstall.deploys.kubernetes.workers import Inputs, join
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Host
from kubeinstall.phases.phase import Run

_JOINED = "[ -e /etc/kubernetes/kubelet.conf ] && [ -e /etc/kubernetes/pki/ca.crt ]"


def deploys(run: Run) -> Deploys:
    """On every worker, with what the cluster says of its nodes."""
    return _steps(run, {})


def _steps(run: Run, configurations: Mapping[str, str]) -> Deploys:
    """On every worker, where it has to join with its JoinConfiguration."""
    workers = _workers(run)
    if not workers:
        return {}
    nodes = run.nodes()
    ca = nodes.authority.sha256 if nodes.authority else None
    return {
        host.name: [
            Step(join, Inputs(run.cluster, host, nodes.names, ca, configurations.get(host.name)))
        ]
        for host in workers
    }


def run(run: Run) -> None:
    """Join the workers that are not in the cluster, with one fresh short-lived token.

    Raises:
        KubeinstallError: the control plane gives no token.
    """
    if run.dry:
        run.round("workers", deploys(run))
        return
    missing = _missing(run)
    with _no_token_left(run) if missing or _tokens_left(run) else nullcontext():
        configurations = _configurations(run, missing) if missing else {}
        run.round("workers", _steps(run, configurations))


def _tokens_left(run: Run) -> bool:
    return run.asked().left_tokens


@contextmanager
def _no_token_left(run: Run) -> Iterator[None]:
    """Delete the tokens to join with at the end, however that comes.

    After an interrupt joins may still run on their hosts: the tokens expire a little later.
    """
    try:
        yield
    finally:
        host = run.answering.host()
        command = EXPIRE_TOKENS if run.session.interrupted else DELETE_TOKENS
        try:
            answer = run.session.tidy(host, script(command))
            why = "" if answer.ok else " ".join(answer.stderr.split())
        except KubeinstallError as error:
            why = error.findings[0].what
        if why:
            run.reporter.finding(
                Finding(
                    Kind.CLUSTER,
                    "the token that workers join with could not be deleted; it expires 15 "
                    "minutes after it was created",
                    (host,),
                    why=why,
                    next=f"on {host}: kubeadm token list; kubeadm token delete ID",
                    severity="warning",
                )
            )


def _workers(run: Run) -> list[Host]:
    return [host for host in run.hosts() if not host.is_control_plane]


def _missing(run: Run) -> list[Host]:
    """Workers that the cluster does not know, or that do not know the cluster."""
    workers = _workers(run)
    answers = run.session.ask_all({host.name: _JOINED for host in workers})
    known = run.nodes().names or frozenset()
    return [
        host
        for host in workers
        if host.name in answers and not (answers[host.name].ok and host.hostname in known)
    ]


def _configurations(run: Run, hosts: list[Host]) -> dict[str, str]:
    """Each host's JoinConfiguration, by its name."""
    authority = run.nodes().authority
    if authority is None:
        raise KubeinstallError(
            Finding(
                Kind.CLUSTER,
                "there is no cluster for the workers to join",
                (run.answering.host(),),
                next=run.cluster.command("up", "--from", "control-plane"),
            )
        )
    try:
        fresh = token(run.kubectl.must(TOKEN_COMMAND))
    except ValueError as error:
        raise KubeinstallError(
            Finding(Kind.CLUSTER, "no token to join with", (run.answering.host(),), str(error))
        ) from None
    _forget(run, hosts)
    return {
        host.name: kubeadm_files.join_config(run.cluster, host, fresh, authority.key_hash)
        for host in hosts
    }


def _forget(run: Run, hosts: list[Host]) -> None:
    """Remove nodes whose hosts have lost their join: kubeadm refuses to join one that is Ready."""
    known = run.nodes().names or frozenset()
    remove_nodes(run.kubectl, [host.hostname for host in hosts if host.hostname in known])
