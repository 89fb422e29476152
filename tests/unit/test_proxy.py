"""Proxies: what goes past them, what each program is told, and that logins are not."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.engine.session import Session
from kubeinstall.facts.files import File, FileState
from kubeinstall.facts.proxy import PodProxies
from kubeinstall.files import proxy as proxy_files
from kubeinstall.inventory.load import load_with_warnings
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.no_proxy import covered
from kubeinstall.operations.proxy import dnf_proxy, pod_proxies, reading, with_proxy
from kubeinstall.preflight.probe import sources
from tests.unit.clusters import cluster
from tests.unit.operating import commands, run, texts

pytestmark = pytest.mark.unit

PLAIN = {"http": "http://proxy.example.org:3128"}
SECRET = {"http": "http://me:pass%40word@proxy.example.org:3128"}


def proxied(**proxy: Any) -> Cluster:
    return cluster(workers=1, proxy={**PLAIN, **proxy})


def test_everything_of_the_cluster_goes_past_the_proxy() -> None:
    found = proxy_files.no_proxy(proxied(), nodes=True)
    assert found == [
        *("localhost", "127.0.0.0/8", "169.254.0.0/16"),
        *("10.0.0.10", "10.0.0.11", "cp1", "w1"),
        *("10.96.0.0/16", "10.244.0.0/16", ".svc", ".cluster.local"),
    ]


def test_an_endpoint_goes_past_it() -> None:
    behind = cluster(proxy=PLAIN, endpoint={"host": "api.example.org"})
    assert "api.example.org" in proxy_files.no_proxy(behind, nodes=False)


def test_what_a_given_network_or_domain_covers_is_not_said_again() -> None:
    found = proxy_files.no_proxy(proxied(no_proxy=["10.0.0.0/24", "w1"]), nodes=True)
    assert found[3:] == [
        "cp1",
        *("10.96.0.0/16", "10.244.0.0/16", ".svc", ".cluster.local", "10.0.0.0/24", "w1"),
    ]


def test_a_node_that_is_added_changes_nothing_for_services() -> None:
    more = cluster(workers=5, proxy=PLAIN)
    environment = proxy_files.services_environment(more)
    assert environment == proxy_files.services_environment(proxied())
    assert environment["HTTPS_PROXY"] == environment["HTTP_PROXY"] == PLAIN["http"]
    assert proxy_files.kubeadm_environment(more) != proxy_files.kubeadm_environment(proxied())


@pytest.mark.parametrize(
    ("name", "is_covered"),
    [
        ("10.0.0.7", True),
        ("10.0.1.7", False),
        ("example.org", True),
        ("a.b.example.org", True),
        ("badexample.org", False),
        ("lone", True),
        ("sub.lone", True),
        ("192.0.2.1", True),
        ("192.0.2.11", False),
    ],
)
def test_covered(name: str, is_covered: bool) -> None:
    entries = ["10.0.0.0/24", ".example.org", "lone:5000", "192.0.2.1"]
    assert covered(name, entries) is is_covered


def test_a_login_stays_out_of_kubeadms_environment_and_of_what_is_rendered() -> None:
    secret = cluster(proxy=SECRET)
    assert proxy_files.kubeadm_environment(secret) == {}
    assert proxy_files.services_environment(secret)["HTTP_PROXY"] == SECRET["http"]
    files = list(proxy_files.files(secret, secret_format()))
    assert files
    assert not [file.path for file in files if "word" in file.content]
    assert {file.mode for file in files if "proxy.example.org" in file.content} == {"600"}


def secret_format() -> Any:
    from kubeinstall.families import FAMILIES

    return FAMILIES[0].package_format


def test_a_login_is_taken_out_of_all_that_is_told() -> None:
    with Session(cluster(proxy=SECRET)) as session:
        told = session.redact(f"{SECRET['http']} refused pass@word of pass%40word")
    assert "word" not in told


def test_apt_is_told_of_what_it_reaches_directly() -> None:
    made = proxied(no_proxy=["mirror.example.org:8080", ".example.net"])
    proxy = made.spec.proxy
    assert proxy
    lines = proxy_files.apt_conf(made, proxy).splitlines()
    assert 'Acquire::http::Proxy "http://proxy.example.org:3128";' in lines
    assert 'Acquire::https::Proxy::mirror.example.org "DIRECT";' in lines
    assert not [line for line in lines if "example.net" in line or "/8" in line]


def test_apt_reaches_a_source_directly_that_a_network_covers() -> None:
    made = cluster(
        packages={"url": "http://10.9.0.2"}, proxy={**PLAIN, "no_proxy": ["10.9.0.0/24"]}
    )
    assert made.spec.proxy
    assert 'Proxy::10.9.0.2 "DIRECT"' in proxy_files.apt_conf(made, made.spec.proxy)


def test_dnf_gets_the_login_apart() -> None:
    made = cluster(proxy=SECRET)
    assert made.spec.proxy
    assert proxy_files.dnf_settings(made.spec.proxy) == {
        "proxy": "http://proxy.example.org:3128",
        "proxy_username": "me",
        "proxy_password": "pass@word",
    }


def test_dnfs_file_keeps_the_rest_and_gets_it_back() -> None:
    old = "# mine\n[main]\ngpgcheck=1\n"
    new = with_proxy(old, {"proxy": "http://p:1"})
    assert "[main]\n# BEGIN kubeinstall proxy\nproxy=http://p:1\n" in new
    assert with_proxy(new, {"proxy": "http://p:1"}) == new
    assert with_proxy(new, {}) == old
    assert "old" not in with_proxy(f"{old}proxy = http://old:1\n", {"proxy": "http://p:1"})


def test_dnf_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {File: FileState("644", b"[main]\n")}
    settings = {"proxy": "http://p:1", "proxy_password": "word"}
    backup, write = commands(monkeypatch, dnf_proxy, facts, settings=settings, secret=True)
    assert "before-kubeinstall" in backup.get_raw_value()
    assert "chmod 600" in write.get_raw_value()
    assert "word" in write.stdin
    assert not write.diff
    assert commands(monkeypatch, dnf_proxy, facts, settings={}) == []
    right = {File: FileState("600", write.stdin.encode())}
    assert commands(monkeypatch, dnf_proxy, right, settings=settings, secret=True) == []


def test_a_proxys_login_that_left_the_inventory_is_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = with_proxy("[main]\n", {"proxy": "http://p:1", "proxy_password": "hunter2"})
    facts = {File: FileState("600", old.encode())}
    for settings in ({}, {"proxy": "http://p:1"}):
        (write,) = commands(monkeypatch, dnf_proxy, facts, settings=settings)
        assert write.diff == ""


def test_variables_are_read_by_a_shell(tmp_path: Path) -> None:
    file = tmp_path / "proxy.env"
    environment = proxy_files.services_environment(cluster(proxy=SECRET))
    file.write_text(proxy_files.env_file(environment))
    assert run(reading(str(file), 'echo "$HTTP_PROXY"')) == f"{SECRET['http']}\n"
    assert reading("", "kubeadm init") == "kubeadm init"


MANIFEST = {
    "spec": {
        "containers": [
            {
                "env": [
                    {"name": "NO_PROXY", "value": "localhost,127.0.0.0/8"},
                    {"name": "GOGC", "value": "100"},
                    {"name": "HTTP_PROXY", "value": "http://p:1"},
                ]
            }
        ]
    }
}


def test_the_pods_variables_are_digested_on_the_host(tmp_path: Path) -> None:
    for name in ("kube-apiserver", "kube-scheduler"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(MANIFEST))
    script = PodProxies().command().replace("/etc/kubernetes/manifests", str(tmp_path))
    found = PodProxies().process(run(script).splitlines())
    wanted = b"HTTP_PROXY=http://p:1\nNO_PROXY=localhost,127.0.0.0/8\n"
    assert found == (hashlib.sha256(wanted).hexdigest(),) * 2


def test_pods_with_other_proxies_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"NO_PROXY": "localhost", "HTTP_PROXY": "http://p:1"}
    digest = hashlib.sha256(b"HTTP_PROXY=http://p:1\nNO_PROXY=localhost\n").hexdigest()
    given: dict[str, Any] = {
        "wanted": wanted,
        "config": "",
        "environment": "/e",
        "kube_proxy": True,
    }
    assert commands(monkeypatch, pod_proxies, {PodProxies: (digest,) * 3}, **given) == []
    assert commands(monkeypatch, pod_proxies, {}, **given) == []
    other = texts(commands(monkeypatch, pod_proxies, {PodProxies: (digest, "x")}, **given))
    assert "kubeadm init phase addon kube-proxy" in other[0]
    assert "kubeadm init phase control-plane all" in other[1]
    assert all(text.startswith("set -a; . /e; set +a; ") for text in other)
    for text in other:
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)


def test_preflight_looks_for_the_proxy_and_for_what_goes_past_it() -> None:
    made = proxied(no_proxy=["registry.k8s.io"])
    assert sources(made) == [("proxy.example.org", 3128), ("registry.k8s.io", 443)]


def test_a_login_in_the_file_itself_is_warned_of_and_a_plain_proxy_is_not(tmp_path: Path) -> None:
    for proxy, warned in ((SECRET, True), (PLAIN, False)):
        document = {
            "cluster": {"kubernetes": "1.36.2", "proxy": proxy},
            "groups": {"control_plane": {"taints": [], "hosts": {"cp1": {"address": "10.0.0.10"}}}},
        }
        path = tmp_path / "cluster.yaml"
        path.write_text(yaml.safe_dump(document))
        _, warnings = load_with_warnings(path, {})
        assert bool(warnings) is warned
        assert not [warning for warning in warnings if "word" in str(warning)]
