"""What the addons of metrics decide: rights, certificates, configuration."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml

from tests.render.test_addons import rendered

pytestmark = pytest.mark.render


def of(name: str, case: str, kind: str, minor: str = "1.37") -> list[dict[str, Any]]:
    return [d for d in rendered(name, case, minor) if d["kind"] == kind]


def container(name: str, case: str, workload: str, minor: str = "1.37") -> dict[str, Any]:
    [found] = [
        c
        for kind in ("Deployment", "DaemonSet")
        for d in of(name, case, kind, minor)
        for c in d["spec"]["template"]["spec"]["containers"]
        if d["metadata"]["name"] == workload
    ]
    return dict(found)


def config(case: str) -> dict[str, Any]:
    [found] = of("prometheus", case, "ConfigMap")
    return dict(yaml.safe_load(found["data"]["prometheus.yml"]))


def job(case: str, name: str) -> dict[str, Any]:
    [found] = [j for j in config(case)["scrape_configs"] if j["job_name"] == name]
    return dict(found)


def test_nobody_reads_secrets() -> None:
    for role in of("prometheus", "default", "ClusterRole"):
        for rule in role["rules"]:
            assert "secrets" not in rule.get("resources", [])
    state = container("prometheus", "default", "kube-state-metrics")
    assert "secrets" not in state["args"][0]


def test_what_kube_state_metrics_reads_is_what_it_may_read() -> None:
    [role] = [
        r
        for r in of("prometheus", "default", "ClusterRole")
        if r["metadata"]["name"].endswith("kube-state-metrics")
    ]
    allowed = {resource for rule in role["rules"] for resource in rule["resources"]}
    [asked] = container("prometheus", "default", "kube-state-metrics")["args"]
    assert set(asked.removeprefix("--resources=").split(",")) == allowed


@pytest.mark.parametrize(
    ("minor", "version"),
    [("1.25", "0.6.4"), ("1.27", "0.7.2"), ("1.31", "0.8.1"), ("1.34", "0.9.0"), ("1.37", "0.9.0")],
)
def test_metrics_server_is_of_the_release_for_the_cluster(minor: str, version: str) -> None:
    image = container("metrics-server", "default", "metrics-server", minor)["image"]
    assert image.endswith(f"/metrics-server:v{version}")


def test_kubelets_are_checked_unless_it_is_said_otherwise() -> None:
    insecure = "--kubelet-insecure-tls"
    assert insecure not in container("metrics-server", "default", "metrics-server")["args"]
    assert insecure in container("metrics-server", "two", "metrics-server")["args"]
    for name in ("kubelet", "cadvisor"):
        assert set(job("default", name)["tls_config"]) == {"ca_file"}
        assert job("kept", name)["tls_config"] == {"insecure_skip_verify": True}


def test_prometheus_reads_everything_that_there_is() -> None:
    jobs = {j["job_name"] for j in config("default")["scrape_configs"]}
    assert jobs == {
        *("apiserver", "cadvisor", "coredns", "kube-state-metrics", "kubelet"),
        *("node-exporter", "pods", "prometheus"),
    }
    assert job("kept", "ups")["static_configs"] == [{"targets": ["ups.example.org:9199"]}]
    assert config("kept")["global"]["external_labels"] == {"site": "north"}


def test_a_changed_configuration_makes_a_new_pod() -> None:
    def mark(name: str, case: str) -> str:
        [found] = [d for d in of(name, case, "Deployment") if d["metadata"]["name"] == name]
        annotations = found["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["kubeinstall.io/configuration"])

    assert mark("prometheus", "default") != mark("prometheus", "kept")
    assert mark("grafana", "default") != mark("grafana", "kept")


def test_metrics_are_kept_where_a_volume_is_asked_for() -> None:
    assert of("prometheus", "default", "PersistentVolumeClaim") == []
    [claim] = of("prometheus", "kept", "PersistentVolumeClaim")
    assert claim["spec"]["storageClassName"] == "fast"
    args = container("prometheus", "kept", "prometheus")["args"]
    assert "--storage.tsdb.retention.time=90d" in args
    assert "--web.external-url=https://prometheus.example.org/" in args


def test_grafana_knows_the_addons_that_are_there() -> None:
    def sources(case: str) -> list[str]:
        [secret] = of("grafana", case, "Secret")
        text = base64.b64decode(secret["data"]["datasources.yaml"]).decode()
        return [source["name"] for source in yaml.safe_load(text)["datasources"]]

    assert sources("default") == []
    assert sources("kept") == ["Prometheus", "Loki", "Elsewhere"]


def test_dashboards_are_what_grafana_reads() -> None:
    [found] = of("grafana", "kept", "ConfigMap")
    made = {k: json.loads(v) for k, v in found["data"].items() if k.endswith(".json")}
    assert set(made) == {"cluster.json", "nodes.json", "pods.json", "own-ups.json"}
    for name in ("cluster", "nodes", "pods"):
        dashboard = made[f"{name}.json"]
        assert dashboard["uid"] == f"kubernetes-{name}"
        places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
        assert len(set(places)) == len(places) >= 6
        assert all(panel["targets"][0]["expr"] for panel in dashboard["panels"])
    [variable] = made["pods.json"]["templating"]["list"]
    assert variable["query"] == "label_values(kube_namespace_created, namespace)"


def test_grafanas_password_is_no_part_of_its_objects() -> None:
    environment = container("grafana", "kept", "grafana")["env"]
    assert {"name": "GF_SECURITY_ADMIN_PASSWORD__FILE", "value": "/etc/grafana/admin/password"} in (
        environment
    )
