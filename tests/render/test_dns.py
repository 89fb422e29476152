"""What the addons of DNS decide: Corefiles, and who owns what of kubeadm's objects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeinstall.files.kubelet import basics
from tests.render.corefile import Corefile, CorefileError, parse, plugins
from tests.render.test_addons import addon_of, rendered
from tests.unit.clusters import cluster

pytestmark = pytest.mark.render

CASES = ("default", "plain", "all")
KUBEADM = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""
"""CoreDNSConfigMap in cmd/kubeadm/app/phases/addons/dns/manifests.go of Kubernetes 1.36."""


def of(name: str, case: str, kind: str, minor: str = "1.37") -> list[dict[str, Any]]:
    return [d for d in rendered(name, case, minor) if d["kind"] == kind]


def corefile(name: str, case: str, minor: str = "1.37") -> Corefile:
    [text] = [
        d["data"]["Corefile"] for d in of(name, case, "ConfigMap", minor) if "Corefile" in d["data"]
    ]
    return parse(text)


def deployment(case: str) -> dict[str, Any]:
    [found] = [d for d in of("coredns", case, "Deployment") if d["metadata"]["name"] == "coredns"]
    return found


def test_without_settings_it_is_what_kubeadm_writes() -> None:
    assert corefile("coredns", "default") == parse(KUBEADM)


@pytest.mark.parametrize(
    "text", ["a {\n", "}\n", "a {\n}\n", ".:53\n", "a { b }\n", "a {\nb\n}\na {\nb\n}\n"]
)
def test_the_parser_refuses(text: str) -> None:
    with pytest.raises(CorefileError):
        parse(text)


@pytest.mark.parametrize("case", CASES)
def test_every_corefile_serves_the_cluster(case: str) -> None:
    block = plugins(corefile("coredns", case)[".:53"])
    domain = "k8s.example" if case == "plain" else "cluster.local"
    assert block["kubernetes"].words == ["kubernetes", domain, "in-addr.arpa", "ip6.arpa"]
    assert {"errors", "health", "ready", "loop", "reload", "forward"} <= set(block)


def test_settings_of_dns() -> None:
    found = corefile("coredns", "all")
    assert list(found) == ["corp.example:53", "10.in-addr.arpa:53", "lab.example:53", ".:53"]
    stub = plugins(found["corp.example:53"])
    assert stub["forward"].words == ["forward", ".", "10.0.0.53", "10.0.1.53:5353"]
    block = plugins(found[".:53"])
    assert block["forward"].words[2:] == ["tls://9.9.9.9", "tls://149.112.112.112"]
    assert ["tls_servername", "dns.quad9.net"] in [o.words for o in block["forward"].inner]
    assert block["cache"].inner == []
    assert [o.words for o in block["hosts"].inner] == [
        ["192.0.2.10", "nas.home.arpa", "nas"],
        ["fallthrough"],
    ]
    assert [o.words for o in block["log"].inner] == [["class", "denial", "error"]]
    assert block["rewrite"].words[1:] == [
        "name",
        "old.example.org",
        "new.default.svc.cluster.local",
    ]
    assert block["autopath"].words == ["autopath", "@kubernetes"]


def test_no_cache_and_no_options() -> None:
    block = plugins(corefile("coredns", "plain")[".:53"])
    assert "cache" not in block
    assert block["forward"].words == ["forward", ".", "192.0.2.53"]
    assert block["forward"].inner == []


def test_an_old_coredns_is_not_told_what_it_does_not_know() -> None:
    """cache's disable came with CoreDNS 1.9.4; kubeadm 1.26 brings 1.9.3."""
    assert plugins(corefile("coredns", "default", "1.26")[".:53"])["cache"].inner == []
    assert plugins(corefile("coredns", "default", "1.27")[".:53"])["cache"].inner != []


@pytest.mark.parametrize("case", CASES)
def test_kubeadms_objects_are_given_back_when_the_addon_goes(case: str) -> None:
    kept = {
        (d["kind"], d["metadata"]["name"])
        for d in rendered("coredns", case, "1.37")
        if d["metadata"]["annotations"].get("kubeinstall.io/on-removal") == "restore"
    }
    assert kept == {("ConfigMap", "coredns"), ("Deployment", "coredns")}


def test_replicas_are_either_ours_or_the_autoscalers() -> None:
    assert deployment("default")["spec"]["replicas"] == 2
    assert deployment("plain")["spec"]["replicas"] == 3
    assert "replicas" not in deployment("all")["spec"]
    [config] = [c for c in of("coredns", "all", "ConfigMap") if "linear" in c["data"]]
    assert json.loads(config["data"]["linear"]) == {
        "coresPerReplica": 256,
        "nodesPerReplica": 8,
        "min": 2,
        "max": 100,
        "preventSinglePointFailure": True,
        "includeUnschedulableNodes": True,
    }


def test_the_autoscaler_may_scale_nothing_but_coredns() -> None:
    roles = of("coredns", "all", "Role")
    assert all(rule["resourceNames"] for role in roles for rule in role["rules"])


@pytest.mark.parametrize(
    ("case", "binds", "asks"),
    [
        ("default", ["169.254.20.10", "10.96.0.10"], "__PILLAR__CLUSTER__DNS__"),
        ("ipvs", ["169.254.25.10"], "10.96.0.10"),
    ],
)
def test_the_cache_answers_where_pods_ask(case: str, binds: list[str], asks: str) -> None:
    found = corefile("nodelocaldns", case)
    for zone in ("cluster.local:53", "in-addr.arpa:53", "ip6.arpa:53", ".:53"):
        assert plugins(found[zone])["bind"].words[1:] == binds
    assert plugins(found["cluster.local:53"])["forward"].words[2:] == [asks]
    assert plugins(found["cluster.local:53"])["health"].words[1:] == [f"{binds[0]}:8080"]
    [daemons] = of("nodelocaldns", case, "DaemonSet")
    [container] = daemons["spec"]["template"]["spec"]["containers"]
    assert container["args"][:2] == ["-localip", ",".join(binds)]
    assert ("-upstreamsvc" in container["args"]) == (case == "default")
    assert len(of("nodelocaldns", case, "Service")) == (case == "default")


def test_kubelets_tell_pods_of_the_cache_where_it_cannot_take_over() -> None:
    def told(mode: str, **addons: Any) -> list[str]:
        made = cluster(kube_proxy={"mode": mode}, addons=addons)
        return list(basics(made)["clusterDNS"])

    given = {"values": {"address": "169.254.25.10"}}
    assert told("iptables", nodelocaldns={}) == told("ipvs") == ["10.96.0.10"]
    assert told("ipvs", nodelocaldns={}) == [
        addon_of("nodelocaldns").file.values["address"]["default"]
    ]
    assert told("ipvs", nodelocaldns=given) == ["169.254.25.10"]


def test_the_cache_asks_nothing_of_the_api() -> None:
    for document in rendered("nodelocaldns", "default", "1.37"):
        assert "rbac" not in document["apiVersion"]
