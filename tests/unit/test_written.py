"""Every file that any deploy writes is declared, and a reset leaves no secret of ours on a host."""

from __future__ import annotations

import ast
import base64
import json
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import pytest

import kubeinstall
from kubeinstall.deploys.hosts import Inputs as Prepare
from kubeinstall.deploys.hosts import prepare
from kubeinstall.deploys.inputs import Inputs, SystemInputs
from kubeinstall.deploys.kubernetes.control_plane import init
from kubeinstall.deploys.kubernetes.kubelet import Inputs as Kubelets
from kubeinstall.deploys.kubernetes.kubelet import configure as kubelet
from kubeinstall.deploys.kubernetes.packages import install as packages
from kubeinstall.deploys.kubernetes.workers import Inputs as Join
from kubeinstall.deploys.kubernetes.workers import join
from kubeinstall.deploys.network import Inputs as Network
from kubeinstall.deploys.network import configure as network
from kubeinstall.deploys.reset import Inputs as Reset
from kubeinstall.deploys.reset import reset
from kubeinstall.deploys.runtime import install as runtime
from kubeinstall.deploys.written import WRITTEN, AtReset, written
from kubeinstall.engine import execute
from kubeinstall.engine.bulk import Facts
from kubeinstall.engine.types import Status, Step
from kubeinstall.facts.containerd import Registries
from kubeinstall.facts.cri_dockerd import CriDockerd, ProgramState
from kubeinstall.facts.docker import Daemon, DaemonState
from kubeinstall.facts.files import Exists, File, FileState
from kubeinstall.facts.firewall import Firewalls, FirewallState
from kubeinstall.facts.identity import System, SystemState
from kubeinstall.facts.kubeadm import Leftovers
from kubeinstall.facts.proxy import SERVICES_ENV
from kubeinstall.facts.resolv import Resolver, ResolverState
from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.files import (
    containerd as containerd_files,
)
from kubeinstall.files import (
    docker as docker_files,
)
from kubeinstall.files import (
    kubelet as kubelet_files,
)
from kubeinstall.files import (
    packages as package_files,
)
from kubeinstall.files import (
    proxy as proxy_files,
)
from kubeinstall.inventory.model import Cluster, Host, Kubelet
from kubeinstall.operations.docker_logins import desired
from kubeinstall.operations.files import MARKER, Holds, WriteFile
from kubeinstall.operations.proxy import with_proxy
from kubeinstall.ssh.connection import Connection
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession
from tests.unit.recorded import RECORDINGS

pytestmark = pytest.mark.unit

SECRET = "correct-horse"
OLD = "battery-staple"
AUTH = base64.b64encode(f"robot:{SECRET}".encode()).decode()
DEBIAN = SystemState("debian", "12", (), "bookworm")
ROCKY = SystemState("rocky", "9.4", ("rhel", "fedora"), "")
KEY = (RECORDINGS / "key.asc").read_text()
CA = (RECORDINGS / "ca.pem").read_text()

Answer = Callable[[type[Any], Mapping[str, Any]], Any]


class Played(Facts):
    """Facts of a host that does not exist.

    Args:
        answer: a fact's value; ``NotImplemented``: its default.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(lambda _: pytest.fail("asked"))
        self._answer = answer

    def get(self, state: Any, host: Any, fact: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
        del state, host, args
        found = self._answer(fact, kwargs)
        return fact.default() if found is NotImplemented else found


class PlayedSession(LocalSession):
    """A session whose hosts are played."""

    def __init__(self, made: Cluster, answer: Answer) -> None:
        self._answer = answer
        super().__init__(made)

    def open(self, host: str) -> tuple[Facts, Connection]:
        return Played(self._answer), cast(Connection, self.shells[host])


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[WriteFile]:
    """Every file that is written, as it is decided."""
    found: list[WriteFile] = []
    real = WriteFile.__init__

    def noting(self: WriteFile, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        found.append(self)

    monkeypatch.setattr(WriteFile, "__init__", noting)
    return found


def went(
    made: Cluster, answer: Answer, steps: Callable[[Cluster, Host], list[Step[Any]]]
) -> PlayedSession:
    """A dry round on all hosts."""
    with PlayedSession(made, answer) as session:
        session.round("all", {host.name: steps(made, host) for host in made.hosts}, dry=True)
        failed = [event for event in session.events if event.status is Status.FAILED]
        assert not failed, [(event.operation, event.output) for event in failed]
        assert not session.failures
    return session


def inventories(top: Path) -> Iterator[tuple[Cluster, SystemState]]:
    """All that is written by all of these is all that there is."""
    (top / "key.asc").write_text(KEY)
    (top / "ca.crt").write_text(CA)
    registry = {"username": "robot", "password": SECRET, "ca": str(top / "ca.crt")}
    common: dict[str, Any] = {
        "packages": {"key": top / "key.asc", "url": f"http://u:{SECRET}@source.lab"},
        "time": {"servers": ["ntp.lab"]},
    }
    registries = {"hub.lab": {**registry, "mirrors": [f"https://u:{SECRET}@mirror.lab"]}}
    for login in ("", f"me:{SECRET}@"):
        for system in (DEBIAN, ROCKY):
            proxy = {"http": f"http://{login}proxy.lab:3128"}
            containerd = {"name": "containerd", "registries": registries}
            yield cluster(workers=0, proxy=proxy, runtime=containerd, **common), system
            docker = {
                "name": "docker",
                "package": "docker.io",
                "registries": registries,
                "cri_dockerd": {
                    "url": "http://lab/cri-dockerd-0.3.26.amd64.tgz",
                    "sha256": "a" * 64,
                },
            }
            yield cluster(workers=0, proxy=proxy, runtime=docker, **common), system
    archive = {"url": "http://lab/containerd.tar.gz", "sha256": "a" * 64}
    runtime = {"name": "containerd", "archive": archive}
    made = cluster(workers=0, runtime=runtime, **common)
    own = made.first.model_copy(update={"kubelet": Kubelet(max_pods=50)})
    yield Cluster(spec=made.spec, hosts=(own,)), DEBIAN


def fresh(system: SystemState, old: str = "") -> Answer:
    """A host with everything that we write configuration for.

    Args:
        old: what is in each file; empty: there are none but the kubelet's.
    """
    config = {kubelet_files.CONFIG: b"kind: X\n", kubelet_files.FLAGS: b'KUBELET_KUBEADM_ARGS=""\n'}
    config[kubelet_files.INSTANCE] = b"containerRuntimeEndpoint: x\n"

    def answer(fact: type[Any], asked: Mapping[str, Any]) -> Any:
        if fact is System:
            return system
        if fact is Unit:
            return UnitState("loaded", "active", "enabled", started=2.0, configured=1.0)
        if fact is Firewalls:
            return FirewallState(firewalld=True, nftables=True)
        if fact is CriDockerd:
            return ProgramState("x86_64")
        if fact is Resolver:
            return ResolverState(("127.0.0.53",), behind=True)
        if fact is File and asked["path"] in config:
            return FileState("644", config[asked["path"]])
        if fact is File and old:
            login = asked["path"] in docker_files.LOGIN_FILES.values()
            return FileState(
                "600", (json.dumps({"auths": {"x": {"auth": OLD}}}) if login else old).encode()
            )
        return NotImplemented

    return answer


def resets(made: Cluster, host: Host) -> list[Step[Any]]:
    return [Step(reset, Reset(made, host))]


def deploys(made: Cluster, host: Host) -> list[Step[Any]]:
    """All that write files, in a cluster that is there."""
    config = {"kind": "KubeletConfiguration", "maxPods": 50}
    shares = {"cp1": IPv4Network("10.244.0.0/24"), "w1": IPv4Network("10.244.1.0/24")}
    return [
        Step(prepare, Prepare(made, host)),
        Step(runtime, SystemInputs(made, host)),
        Step(packages, SystemInputs(made, host)),
        Step(init, Inputs(made, host)),
        Step(join, Join(made, host, join_config="kind: JoinConfiguration\n")),
        Step(kubelet, Kubelets(made, host, config)),
        Step(network, Network(made, host, shares)),
    ]


def test_every_file_is_declared_and_shows_no_secret(
    tmp_path: Path, writes: list[WriteFile]
) -> None:
    """What was there before had a secret in it, in every file, under our mark and without."""
    olds = cycle((f"# {MARKER}.\nwas {OLD}\n", f"mine {OLD}\n", ""))
    for (made, system), old in zip(inventories(tmp_path), olds, strict=False):
        went(made, fresh(system, old), deploys)
    assert writes
    seen = set()
    for write in writes:
        kinds = written(write.path)
        assert len(kinds) == 1, write.path
        assert write.holds is kinds[0].holds, write.path
        seen.add(kinds[0].path)
        if write.holds is Holds.SECRETS:
            assert not {word for word in (SECRET, OLD) if word in write.diff}, write.path
            assert not write.diff.startswith(("---", "+", "-")), write.path
        assert SECRET not in str(write.stdin) or write.holds is Holds.SECRETS, write.path
    assert seen == {one.path for one in WRITTEN}


def test_what_can_hold_a_secret_never_stays() -> None:
    for one in WRITTEN:
        if one.holds is Holds.SECRETS:
            assert one.at_reset is not AtReset.STAYS, one.path


def test_who_makes_a_diff() -> None:
    """Only WriteFile does, for it knows what its kind of file can hold, and what is no file."""
    top = Path(kubeinstall.__file__).parent
    makers = {
        str(path.relative_to(top))
        for path in top.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("unified_diff")
    }
    assert makers == {"operations/files.py", "deploys/kubernetes/nodes.py", "addons/diffs.py"}


LOGINS = json.dumps(desired({"auths": {"mine": {"auth": "bWluZQ=="}}}, {"hub.lab": AUTH}))


def used(path: str, content: str) -> Answer:
    """A host where one file is as we wrote it."""
    daemon = DaemonState(
        FileState("644", content.encode()),
        {"debug": True, "registry-mirrors": [SECRET]},
        last={"registry-mirrors": [SECRET]},
    )
    folder, _, rest = path.partition("/certs.d/")

    def answer(fact: type[Any], asked: Mapping[str, Any]) -> Any:
        if fact is System:
            return DEBIAN
        if fact is File and asked["path"] == path:
            return FileState(
                "600", content.encode(), backed_up=path == containerd_files.CONFIG_TOML
            )
        if fact is Exists and asked["path"] == path:
            return True
        if fact is Registries and rest and asked["folder"] == f"{folder}/certs.d":
            return {rest.split("/")[0]: (rest.split("/")[1],)}
        if fact is Daemon and path in (docker_files.DAEMON_JSON, docker_files.RECORD):
            return daemon
        if fact is Leftovers and path.startswith(("/etc/kubernetes/", "/var/lib/kubelet/")):
            return frozenset({"folders"})
        return NotImplemented

    return answer


CONTENTS: dict[str, str] = {
    "/etc/dnf/dnf.conf": with_proxy("[main]\n", {"proxy_password": SECRET}),
    **dict.fromkeys(docker_files.LOGIN_FILES.values(), LOGINS),
}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that operations would run."""
    ran: list[str] = []
    real = execute._would_run

    def noting(task: Any, operation: Any) -> list[Any]:
        commands: list[Any] = real(task, operation)
        ran.extend(command.get_raw_value() for command in commands)
        return commands

    monkeypatch.setattr("kubeinstall.engine.execute._would_run", noting)
    return ran


@pytest.mark.parametrize(
    "kind", [one for one in WRITTEN if one.holds is Holds.SECRETS], ids=lambda kind: kind.path
)
def test_reset_takes_each_away(kind: Any, ran: list[str], writes: list[WriteFile]) -> None:
    name = "kubernetes" if kind.at_reset is AtReset.LOGIN_GOES else "hub.lab"
    path = kind.path.replace("*", name)
    content = CONTENTS.get(path, f"# {MARKER}.\nhttp://u:{SECRET}@lab\n")
    writes.clear()
    went(cluster(workers=0), used(path, content), resets)
    if kind.at_reset is AtReset.EMPTIED:
        assert any("/etc/kubernetes" in text and "/var/lib/kubelet" in text for text in ran)
    elif rewritten := [write for write in writes if write.path == path]:
        left = str(rewritten[-1].stdin)
        assert SECRET not in left
        assert AUTH not in left
    elif path == containerd_files.CONFIG_TOML:
        assert f"mv -fT {path}.before-kubeinstall {path}" in ran
    else:
        assert any(text.startswith("rm -f") and path in text for text in ran), ran
    # A host that has none of it is left alone.
    ran.clear()
    went(cluster(workers=0), lambda *_: NotImplemented, resets)
    assert ran == []


def test_a_source_without_a_login_stays() -> None:
    path = package_files.SOURCES[0]
    session = went(cluster(workers=0), used(path, "deb https://pkgs.k8s.io/ /\n"), resets)
    assert not [event for event in session.events if event.status is Status.PLANNED]


def test_a_login_that_docker_login_made_the_users_goes_too() -> None:
    """It drops our note; that the value is ours tells whose it is."""
    found = {"auths": {"hub.lab": {"auth": AUTH}, "mine": {"auth": "x"}}}
    assert desired(found, {}, {"hub.lab": AUTH}) == {"auths": {"mine": {"auth": "x"}}}
    assert desired(found, {}, {"hub.lab": "other"}) == found
    assert desired({"auths": {"hub.lab": {"auth": AUTH}}}, {}, {"hub.lab": AUTH}) == {}


def test_proxies_go_with_what_names_them(ran: list[str]) -> None:
    """A service with a drop-in whose file is gone would not start again."""
    ours = {SERVICES_ENV, *map(proxy_files.drop_in, proxy_files.SERVICES)}

    def answer(fact: type[Any], asked: Mapping[str, Any]) -> Any:
        return asked["path"] in ours if fact is Exists else NotImplemented

    went(cluster(workers=0), answer, resets)
    assert len(ran) == 4
    assert all("systemctl daemon-reload" in text for text in ran[:3])
    assert ran[3] == f"rm -f {SERVICES_ENV}"
