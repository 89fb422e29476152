"""One node with containerd: what a real API server has to say of the addons.

Then two addons live and die on it; those tests run in order, each says what it needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.addons.objects import ADDON_LABEL, PART_OF, apply_set, group
from kubeinstall.addons.restoring import LEGACY, ON_REMOVAL, RESTORE
from tests import programs
from tests.cluster import published
from tests.cluster.api import Api, Object
from tests.cluster.shop import Shop, write
from tests.killing import chance, kill_within
from tests.labs import fresh
from tests.render.test_addons import CASES, DOWNLOADED, addon_of, minors, rendered
from tests.running import INVENTORIES, Ran, kubeinstall, on_host
from tests.unit.addon_folders import config, folder
from tests.web import Web, serving

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

CONTROL_PLANE = "10.80.0.11"
_CRD = "CustomResourceDefinition"

LATER = {
    ("policy/v1", "PodDisruptionBudget"),
    ("batch/v1", "CronJob"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
}
"""What Kubernetes 1.20 does not serve yet, but each Kubernetes that an addon claims does."""
COREDNS: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "coredns", "namespace": "kube-system"},
    "spec": {
        "selector": {"matchLabels": {"k8s-app": "kube-dns"}},
        "replicas": 0,
        "template": {
            "metadata": {"labels": {"k8s-app": "kube-dns"}},
            "spec": {"containers": [{"name": "coredns", "image": "registry.k8s.io/pause:3.2"}]},
        },
    },
}
"""kubeadm's, which the lab has no image for; the addon coredns only sets fields of it."""


_POOLS: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": _CRD,
    "metadata": {"name": "pools.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Cluster",
        "names": {"kind": "Pool", "plural": "pools", "singular": "pool"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }
        ],
    },
}
"""Of somebody else: only the API server knows that a Pool has no namespace."""


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory of one node that takes pods."""
    text = (INVENTORIES / "lab-containerd.yaml").read_text()
    text = text.replace("10.98.", "10.80.").replace("lab-containerd", "lab-addons")
    document = yaml.safe_load(text)
    document["groups"]["control_plane"]["taints"] = []
    del document["groups"]["workers"]
    del document["cluster"]["runtime"]["classes"]
    del document["lab"]["bastion"]
    path = tmp_path_factory.mktemp("addons") / "lab-addons.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


@pytest.fixture(scope="module", autouse=True)
def api(inventory: Path) -> Iterator[Api]:
    """The API server of a cluster that is up."""
    with fresh(inventory):
        kubeinstall("up", "-y", "--no-smoke", "-i", inventory, timeout=900).ok()
        made = Api(on_host(inventory, "cp1", "cat /etc/kubernetes/admin.conf"), CONTROL_PLANE)
        made.create(COREDNS)
        yield made


def test_what_others_had_is_given_back(inventory: Path, api: Api, tmp_path: Path) -> None:
    """As the addon coredns does with kubeadm's objects."""
    theirs = config("theirs", Corefile="theirs", more="x")
    theirs["metadata"]["namespace"] = "kube-system"
    api.create(theirs)
    part = config("theirs", Corefile="ours", new="y")
    part["metadata"]["annotations"] = {ON_REMOVAL: RESTORE}
    api.create(_POOLS)
    _await(api, [_POOLS])
    pool = {"apiVersion": "example.org/v1", "kind": "Pool", "metadata": {"name": "p"}}
    folder(tmp_path, "part", part, pool, namespace="kube-system")
    document = yaml.safe_load(inventory.read_text())
    document["cluster"] |= {"addons": {"part": {}}, "addon_folders": [str(tmp_path)]}
    path = tmp_path / "with.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    kubeinstall("up", "-y", "--only", "addons", "-i", path).ok()
    assert api.ask("GET", api.path(theirs))["data"] == {"Corefile": "ours", "more": "x", "new": "y"}
    hostile = _tenant_tries(api)
    assert ": 0 changed in" in kubeinstall("up", "-y", "--only", "addons", "-i", path).ok().text
    kubeinstall("up", "-y", "--only", "addons", "-i", inventory).ok()
    back = api.ask("GET", api.path(theirs))
    assert back["data"] == theirs["data"]
    assert back["metadata"].get("labels") is None
    assert api.ask("GET", "/apis/example.org/v1/pools")["items"] == []
    api.delete(_POOLS)
    assert [api.ask("GET", api.path(d))["metadata"]["uid"] for d in hostile] == [
        d["metadata"]["uid"] for d in hostile
    ]
    bindings = api.ask("GET", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")["items"]
    assert "owned" not in [d["metadata"]["name"] for d in bindings]


def _tenant_tries(api: Api) -> list[Object]:
    """ConfigMaps of a tenant that say they are the addon's, and were a binding of its before.

    Returns:
        them, as the API server took them from the tenant's ServiceAccount.
    """
    namespace, account = "tenant", "system:serviceaccount:tenant:default"
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}
    rbac = "rbac.authorization.k8s.io/v1"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    api.create(
        {
            "apiVersion": rbac,
            "kind": "RoleBinding",
            "metadata": {"name": "edit", "namespace": namespace},
            "subjects": [subject],
            "roleRef": {**role, "name": "edit"},
        }
    )
    owned = {
        "apiVersion": rbac,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "owned"},
        "subjects": [subject],
        "roleRef": {**role, "name": "cluster-admin"},
    }
    made = []
    for name, note in (("whole", json.dumps(owned)), ("broken", "{")):
        evil = config(name, a="b")
        evil["metadata"] |= {
            "namespace": namespace,
            "labels": {PART_OF: apply_set("part"), ADDON_LABEL: "part"},
            "annotations": {LEGACY: note, ON_REMOVAL: RESTORE},
        }
        made.append(
            api.ask(
                "POST",
                f"/api/v1/namespaces/{namespace}/configmaps",
                evil,
                **{"Content-Type": "application/json", "Impersonate-User": account},
            )
        )
    return made


@pytest.mark.parametrize(("name", "case"), CASES)
def test_accepted_in_a_dry_run(name: str, case: str, api: Api) -> None:
    """Every object, as it is for the oldest Kubernetes that the addon claims."""
    documents = list(rendered(name, case, minors(addon_of(name))[0]))
    crds = [d for d in documents if d["kind"] == _CRD]
    made = [*_namespaces(documents), *crds]
    for document in made:
        api.create(document)
    if crds:
        _await(api, crds)
    refused = []
    for document in documents:
        if (kind := (document["apiVersion"], document["kind"])) not in api.served:
            assert kind in LATER or group(document) in DOWNLOADED, f"nobody serves {kind}"
        elif document not in made:
            refused.append(api.dry_run(document))
    for document in crds:
        api.delete(document)
    api.__dict__.pop("served", None)
    told = list(filter(None, refused))
    assert not told, "\n".join(told)


def test_what_others_publish(inventory: Path, api: Api, tmp_path: Path) -> None:
    """Upstream's manifest, a chart and a kustomization: applied, kept, changed and removed.

    This machine has helm and no kubectl: the control plane's builds the kustomization.
    """
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "helm").symlink_to(programs.folder(programs.NEW) / "helm")
    surroundings = {**os.environ, "PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path)}
    with serving(Web()) as web:
        folder = published.addons(tmp_path / "addons", web)

        def ran(command: str, *options: str, **choices: Any) -> Ran:
            path = tmp_path / "inventory.yaml"
            document = yaml.safe_load(inventory.read_text())
            document["cluster"]["addon_folders"] = [str(folder)]
            document["cluster"]["images"] = {"example.org": "10.80.0.2:5000/demo"}
            document["cluster"]["addons"] = choices
            path.write_text(yaml.safe_dump(document, sort_keys=False))
            return kubeinstall(*command.split(), "-i", path, *options, env=surroundings)

        choices: dict[str, Any]
        choices = {"apples": {}, "pears": {"values": {"chart": {"replicas": 2}}}, "plums": {}}
        assert "Apply pears 1.0.0" in ran("up -y --no-smoke", **choices).ok().text
        assert _replicas(api) == {"apples/apples": 1, "pears/pears-web": 2, "plums/my-plums": 1}
        assert _hook(api)["status"]["succeeded"] == 1
        before = len(web.asked)
        assert "0 changed" in ran("up -y --no-smoke", **choices).ok().text
        assert len(web.asked) == before

        choices["apples"] = {"values": {"replicas": 2}}
        assert ran("plan", **choices).code == 2
        assert "Apply apples 1.0.0" in ran("up -y --no-smoke", **choices).ok().text
        assert _replicas(api)["apples/apples"] == 2

        ran("up -y --no-smoke").ok()
        assert _replicas(api) == {}


def _hook(api: Api) -> Any:
    return api.ask("GET", "/apis/batch/v1/namespaces/pears/jobs/first")


def _replicas(api: Api) -> dict[str, int]:
    """Pods that are ready, of each Deployment of the addons that others publish."""
    found = api.ask("GET", "/apis/apps/v1/deployments")["items"]
    return {
        f"{d['metadata']['namespace']}/{d['metadata']['name']}": d["status"].get("readyReplicas", 0)
        for d in found
        if d["metadata"]["namespace"] in ("apples", "pears", "plums")
    }


def _namespaces(documents: list[Object]) -> list[Object]:
    names = {d["metadata"].get("namespace", "default") for d in documents}
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]


def _await(api: Api, crds: list[Object]) -> None:
    """Wait until what CRDs define is served."""
    wanted = {
        (f"{d['spec']['group']}/{v['name']}", d["spec"]["names"]["kind"])
        for d in crds
        for v in d["spec"]["versions"]
        if v["served"]
    }
    for _ in range(60):
        api.__dict__.pop("served", None)
        if wanted <= set(api.served):
            return
    raise AssertionError(f"not served: {wanted - set(api.served)}")


@pytest.fixture(scope="module")
def shop(inventory: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("folders")
    write(folder)
    return Shop(inventory, folder)


BOTH: Object = {"shop": {}, "base": {}}
_REPLICAS = "-n shop get deployment shop -o jsonpath={.spec.replicas}"


def test_addons_come_up_in_their_order_and_are_left_alone_then(shop: Shop) -> None:
    shop.up(**BOTH).ok()
    assert shop.changed == ["Apply base 1.0.0", "Apply shop 1.0.0"]
    shop.kubectl("-n base get thing first", "-n shop get secret login")
    shop.up(**BOTH).ok()
    assert shop.changed == []
    checked = kubeinstall("verify", "-i", shop.inventory(**BOTH)).ok().text
    assert "Addon shop is ready" in checked
    assert (
        "addons: base 1.0.0, shop 1.0.0"
        in kubeinstall("status", "-i", shop.inventory(**BOTH)).ok().text
    )


def test_what_others_changed_is_planned_told_and_taken_back(shop: Shop) -> None:
    shop.kubectl(
        "-n shop scale deployment shop --replicas=2",
        '-n shop patch configmap one -p \'{"data":{"size":"9"}}\'',
        "-n shop delete configmap two",
    )
    kept = {"shop": {"changes_by_others": "keep"}, "base": {}}
    ran = shop.up(**kept).ok()
    assert shop.changed == ["Apply shop 1.0.0"], "what was deleted comes back in any case"
    assert "data.size of ConfigMap shop/one is 9, set by kubectl-patch: left as it is" in ran.text
    shop.up(**kept).ok()
    assert shop.changed == []
    assert shop.kubectl(_REPLICAS) == "2"
    told = kubeinstall("addon", "diff", "-i", shop.inventory(**BOTH), "shop")
    assert told.code == 2
    assert "-  size: '9'\n+  size: '1'" in told.text
    assert kubeinstall("plan", "-i", shop.inventory(**BOTH)).code == 2
    shop.up(**BOTH).ok()
    assert [name for name in shop.changed if "Revert" in name] == shop.changed
    assert shop.kubectl(_REPLICAS) == "1"
    assert kubeinstall("addon", "diff", "-i", shop.inventory(**BOTH)).code == 0


def test_what_is_gone_from_an_addon_is_pruned(shop: Shop) -> None:
    shop.up(shop={"values": {"configs": ["one"]}}, base={}).ok()
    assert "two" not in shop.kubectl("-n shop get configmaps -o name")
    shop.kubectl("-n shop get secret login")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tag": "-none"}, "busybox:1-none"),
        ({"command": ["sh", "-c", "echo no database; exit 3"]}, "its last log lines: no database"),
    ],
)
def test_what_does_not_start_is_told_with_its_pods_words(
    shop: Shop, values: Object, words: str
) -> None:
    ran = shop.up(shop={}, base={"values": values, "timeout": 20})
    assert ran.code == 14, ran.text
    assert "addon base: Deployment base/base is not ready after 20 s" in ran.text
    assert words in ran.text
    assert "addon shop was not applied" in ran.text
    shop.up(**BOTH).ok()


def test_what_is_refused_is_told_in_the_servers_words(shop: Shop) -> None:
    ran = shop.up(shop={"values": {"replicas": -1}}, base={})
    assert ran.code == 14, ran.text
    assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in ran.text


def test_killed_while_it_applies_it_converges(shop: Shop, tmp_path: Path) -> None:
    """Twice, at different moments; nothing is forgotten that has to be pruned."""
    moments = chance()
    for values in (["one", "a"], ["one", "b"]):
        path = shop.inventory(shop={"values": {"configs": values}}, base={})
        up = ["up", "-y", "-i", str(path), "--only", "addons"]
        kill_within("addons", up, tmp_path / "killed.txt", moments)
    shop.up(**BOTH).ok()
    shop.up(**BOTH).ok()
    assert shop.changed == []
    there = shop.kubectl("-n shop get configmaps -o name").split()
    assert [name for name in there if "kube-root-ca" not in name] == [
        "configmap/one",
        "configmap/two",
    ]


def test_addons_that_are_taken_out_go_and_what_is_not_theirs_stays(shop: Shop) -> None:
    shop.kubectl("-n base create deployment mine --image=none")
    ran = shop.up().ok()
    assert shop.changed == ["Remove shop", "Remove base"]
    assert "base: namespace base stays, because it contains Deployment/mine" in ran.text
    left = shop.kubectl("get namespaces,crds -o name")
    assert "namespace/shop" not in left
    assert "things.example.org" not in left
    shop.up().ok()
    assert shop.changed == []
    shop.kubectl("delete namespace base")
