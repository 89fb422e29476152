"""Charts and kustomizations of a run: what cannot be built is told first, others are built once."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from kubeinstall.addons.builder import NO_PROGRAM, NoProgramError
from kubeinstall.engine.types import Output
from kubeinstall.inventory.catalogue.model import Stage
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases import addons
from kubeinstall.phases.phase import Run
from tests.unit.addon_folders import folder, with_addons
from tests.unit.played_session import Memory, PlayedSession, played_run

pytestmark = pytest.mark.unit

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """With a kustomization, and without a program for it on this machine."""
    monkeypatch.setenv("PATH", "/nowhere")
    folder(tmp_path, "web", kustomization="kustomize", manifests=[])
    (tmp_path / "web" / "kustomize").mkdir()
    (tmp_path / "web" / "kustomize" / "kustomization.yaml").write_text("resources: []\n")
    return with_addons(tmp_path, web={})


def run_with(
    cluster: Cluster, exit_code: int, *, dry: bool = False
) -> tuple[Run, PlayedSession, Memory]:
    """A run whose first control plane answers a build with an object and this exit code."""

    def answer(_host: str, command: str) -> Output:
        return Output(exit_code, OBJECT, "") if "kustomize" in command else Output(0, "", "")

    run, session, memory = played_run(cluster, dry=dry, answer=answer)
    session.connect()
    return run, session, memory


def test_built_on_the_first_control_plane_once(cluster: Cluster) -> None:
    run, session, _ = run_with(cluster, 0)
    addons.prepare(run)
    addons.prepare(run)
    assert [d["kind"] for d in addons.rendered(run)[0].objects] == ["Namespace", "ConfigMap"]
    assert [host for host, command in session.asked if "kustomize" in command] == ["cp1"]


def test_rendered_anew_for_other_addresses(cluster: Cluster) -> None:
    run, session, _ = run_with(cluster, 0)
    addons.prepare(run)
    run.adopt_node_ips({"w1": IPv4Address("10.0.0.99")})
    addons.prepare(run)
    assert len([command for _, command in session.asked if "kustomize" in command]) == 2


def test_a_plan_goes_on_without_a_program_that_up_brings(cluster: Cluster) -> None:
    run, _, memory = run_with(cluster, NO_PROGRAM, dry=True)
    addons.prepare(run)
    addons.apply_stage(run, Stage.NETWORK)
    addons.apply_stage(run, Stage.ADDONS)
    (note,) = memory.notes
    assert note == (
        "addons are not planned: the kustomization of addon web needs kustomize or kubectl, "
        "which `up` installs"
    )


def test_up_needs_it(cluster: Cluster) -> None:
    run, _, _ = run_with(cluster, NO_PROGRAM)
    addons.prepare(run)
    with pytest.raises(NoProgramError, match="there is no kustomize or kubectl"):
        addons.apply_stage(run, Stage.ADDONS)
