"""The shell scripts of this project: read by shellcheck, and all that are run can be read so."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubeinstall import resources
from kubeinstall.facts.addons import Addons, Objects, Volumes
from kubeinstall.facts.control_plane import ControlPlane
from kubeinstall.facts.kubeadm import Leftovers
from kubeinstall.facts.signing_keys import SourceKeys
from kubeinstall.facts.swap import Swap
from kubeinstall.files import firewall, network
from kubeinstall.operations import control_plane
from kubeinstall.preflight import probe
from tests.running import REPO
from tests.unit.clusters import cluster

pytestmark = pytest.mark.unit

FOLDER = REPO / "templates" / "scripts"
NAMES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.sh"))
MODULES = sorted((REPO / "kubeinstall").rglob("*.py"))


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
    "reach": lambda: probe.reach_script([("10.0.0.1", 22)]),
}
"""Scripts as they are run: out of several pieces, with variables before them."""


@pytest.mark.parametrize("name", COMPOSED)
def test_shellcheck_finds_no_fault_in_what_is_composed(name: str) -> None:
    """Their comments are gone, with what was excused there: that is below a warning.

    A variable may be for who uses it, and what is assigned may begin with ``=``.
    """
    assert shellcheck(COMPOSED[name](), "--severity=warning", "--exclude=SC2034,SC1097") == ""


def test_shellcheck_has_nothing_to_say_of_rendered_scripts() -> None:
    assert shellcheck(firewall.script(CLUSTER, CLUSTER.first)) == ""
    assert shellcheck(network.script(CLUSTER, {"10.244.1.0/24": "10.0.0.11"})) == ""


def test_shellcheck_is_asked() -> None:
    assert "SC2154" in shellcheck('echo "$nobody_sets_this"', "--severity=warning")


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
