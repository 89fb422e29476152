"""The shell scripts of this project: read by shellcheck, and all that are run can be read so."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from kubeinstall import resources
from kubeinstall.facts.addons import Addons, Objects, Volumes
from kubeinstall.facts.control_plane import ControlPlane
from kubeinstall.facts.kubeadm import Leftovers
from kubeinstall.facts.signing_keys import SourceKeys
from kubeinstall.facts.swap import Swap
from kubeinstall.files import firewall as files
from kubeinstall.files import network
from kubeinstall.operations import (
    archives,
    control_plane,
    dnf,
    firewall,
    images,
    kubeadm,
    kubelet,
    packages,
    programs,
    services,
    static_pods,
)
from kubeinstall.operations.downloads import Download
from kubeinstall.preflight import probe
from kubeinstall.ssh import agent
from kubeinstall.ssh.shell import UPTIME
from kubeinstall.verify import pods
from tests.running import REPO
from tests.unit.clusters import cluster
from tests.unit.operating import commands, texts

pytestmark = pytest.mark.unit

FOLDER = REPO / "templates" / "scripts"
NAMES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.sh"))
MODULES = sorted((REPO / "kubeinstall").rglob("*.py"))
LONGEST = 10
"""Lines of a script that may be in Python."""
SHELL = re.compile(
    r"^#!|(^|[;|&]|\bthen|\bdo) *(if \[|for \w+ in|while |case \$|\w+=\$\(|echo )", re.M
)


def strings(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """The texts in a module, without docstrings and without the parts of f-strings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in docstrings | parts:
            yield node


def text_of(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(v.value) if isinstance(v, ast.Constant) else "X" for v in node.values)


def test_no_long_script_is_in_python() -> None:
    long = [
        f"{path.relative_to(REPO)}:{node.lineno}"
        for path in MODULES
        for node in strings(ast.parse(path.read_text()))
        if SHELL.search(text := text_of(node).strip()) and text.count("\n") >= LONGEST
    ]
    assert not long, f"scripts of more than {LONGEST} lines belong into {FOLDER}"


def test_shellcheck_has_nothing_to_say_of_the_files() -> None:
    said = subprocess.run(
        ["shellcheck", "-x", *FOLDER.rglob("*.sh")], capture_output=True, text=True, check=False
    )
    assert NAMES
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def shellcheck(text: str, *options: str) -> str:
    return subprocess.run(
        ["shellcheck", "--shell=sh", *options, "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


CLUSTER = cluster(workers=2)


def last(operation: Any, **arguments: Any) -> str:
    """The last command of an operation on a host of which every fact is as by default."""
    with pytest.MonkeyPatch.context() as patch:
        return texts(commands(patch, operation, {}, **arguments))[-1]


POD = pods.PodAt("w1", "a/b", IPv4Address("10.244.1.2"))
DOWNLOAD = Download("0" * 64, "https://example.com/it's")
COMPOSED: dict[str, Callable[[], str]] = {
    "control plane": lambda: ControlPlane().command("/etc/it", "cp1", "kubelet-config"),
    "control plane answers": lambda: control_plane._answers().get_raw_value(),
    "addons": lambda: Addons().command(),
    "objects": lambda: Objects().command([("Pod.v1.", "a", "b")], ["c"]),
    "volumes": lambda: Volumes().command(),
    "leftovers": lambda: Leftovers().command(),
    "signing keys": lambda: SourceKeys().command("https://example.com/key"),
    "swap": lambda: Swap().command(),
    "preflight, control plane": lambda: probe.script(CLUSTER, CLUSTER.first, CLUSTER.hosts),
    "preflight, worker": lambda: probe.script(CLUSTER, CLUSTER.workers[0], CLUSTER.hosts),
    "apt": lambda: packages._install((("kubelet", "1.36.*"), ("socat", "")), ("podman",)),
    "apt, with more": lambda: packages._install((("socat", ""),), (), (("kubelet", "1.36.*"),)),
    "dnf": lambda: dnf._install((("kubelet", "1.36.*"), ("socat", "")), "kubernetes", True, ":"),
    "images": lambda: images.pull_script(["a/b:1"], False, True, ["a"]),
    "kubelet": lambda: kubelet.restart("w1", "maxPods=5", undo=("/etc/it",)),
    "init": lambda: kubeadm._with_effect(["kubeadm", "init"], "1.36.2", ["/etc/it"]),
    "arguments": lambda: last(
        static_pods.arguments_changed,
        changes=(static_pods.Change("etcd", "etcd local", ("--a=it's",), (), ""),),
        node="cp1",
        config="",
        note="",
        path="",
        environment="/etc/kubeinstall/proxy.env",
    ),
    "service": lambda: last(services.running, unit="it.service", configs=("/etc/it",)),
    "archive": lambda: last(
        archives.archive_unpacked, download=DOWNLOAD, folder="/opt/it", rpm=True
    ),
    "programs": lambda: last(
        programs.programs_installed,
        download=DOWNLOAD,
        program="helm",
        folder="/usr/local/bin",
        record="/opt/it/installed",
    ),
    "nftables": lambda: firewall._NFTABLES_OFF,
    "firewalld": lambda: files.FIREWALLD_READ,
    "agent": lambda: resources.script(
        "ssh/loop", command=agent._ONE, run="/run", busy=1, patience=1
    ),
    "pods": lambda: pods._script(POD, [POD]),
    "reach": lambda: probe.reach_script([("10.0.0.1", 22)]),
}
"""Scripts as they are run: out of several pieces, with variables before them."""


@pytest.mark.parametrize("name", COMPOSED)
def test_shellcheck_finds_no_fault_in_what_is_composed(name: str) -> None:
    """Their comments are gone, with what was excused there: that is below a warning.

    What is assigned may begin with ``=``, a variable may be for who uses it, a version a pattern.
    """
    assert (
        shellcheck(COMPOSED[name](), "--severity=warning", "--exclude=SC1097,SC2034,SC2254") == ""
    )


def test_shellcheck_has_nothing_to_say_of_rendered_scripts() -> None:
    assert shellcheck(files.script(CLUSTER, CLUSTER.first)) == ""
    assert shellcheck(network.script(CLUSTER, {"10.244.1.0/24": "10.0.0.11"})) == ""


def test_shellcheck_is_asked() -> None:
    assert "SC2154" in shellcheck('echo "$nobody_sets_this"', "--severity=warning")


@pytest.mark.parametrize("name", ["ssh/command", "ssh/loop"])
def test_the_agent_reads_the_hosts_clock_as_its_shell_did(name: str) -> None:
    """A time of ours is sent on that clock, so all have to read it in one unit."""
    assert f"{UPTIME}\n" in resources.script(name)


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Where a script is used: the place, its name, the variables that it is given."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name("script") | ast.Attribute(ast.Name("resources"), "script"),
                    args=[ast.Constant(str(name)), *_],
                ):
                    place = f"{path.relative_to(REPO)}:{node.lineno}"
                    yield place, name, {str(keyword.arg) for keyword in node.keywords}


def test_every_script_is_used_with_the_variables_that_it_needs() -> None:
    used = list(calls())
    assert {name for _, name, _ in used} == set(NAMES)
    for place, name, given in used:
        guards = re.findall(r"^: .*$", (FOLDER / f"{name}.sh").read_text(), re.M)
        needed = set(re.findall(r"\$\{(\w+)\?\}", "\n".join(guards)))
        assert given == needed, place


def normal(text: str) -> str:
    """What bash understands of it."""
    define = f"it() {{\n{text}\n}}\ndeclare -f it"
    return subprocess.run(["bash", "-c", define], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_only_comments_are_taken_out_of_a_script(name: str) -> None:
    text = (FOLDER / f"{name}.sh").read_text()
    assert normal(resources.script(name)) == normal(text)
    assert not re.search(r"^\s*#", resources.script(name), re.M)


def test_what_a_script_is_given_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resources, "folder", lambda _: tmp_path)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "quoting.sh").write_text('# said\nprintf "%s|" "$one" "$#" "$@"\n')
    text = resources.script("quoting", ["a b", "$(id)", ""], one="it's; `id`")
    said = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True).stdout
    assert said == "it's; `id`|3|a b|$(id)||"


def test_the_loader_needs_nothing_else_of_ours() -> None:
    """Facts and operations can be used without the rest of the package."""
    tree = ast.parse(Path(resources.__file__).read_text())
    imported = [
        ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    assert imported
    assert not [line for line in imported if "kubeinstall" in line or "from ." in line]
