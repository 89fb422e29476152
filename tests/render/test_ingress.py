"""What the ingress addons decide by themselves: how they are reached, by which certificate."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from kubeinstall.addons.render import render_all
from kubeinstall.addons.templating import render_text
from kubeinstall.inventory.catalogue.chosen import Chosen
from kubeinstall.inventory.catalogue.values import merged
from kubeinstall.inventory.model import AddonChoice
from tests.render.offline import Offline
from tests.render.test_addons import addon_of, minors, rendered
from tests.unit.clusters import cluster

pytestmark = pytest.mark.render

CONTROLLERS = ("contour", "haproxy", "ingress-nginx", "kong", "traefik")
PROXIES = {
    "contour": "envoy",
    "haproxy": "haproxy-kubernetes-ingress",
    "ingress-nginx": "ingress-nginx-controller",
    "kong": "kong",
    "traefik": "traefik",
}
"""The workload that takes the clients' connections."""
SECRET = "wildcard-example-org"


def documents(name: str, case: str = "default") -> tuple[dict[str, Any], ...]:
    return rendered(name, case, minors(addon_of(name))[-1])


def one(name: str, case: str, kind: str, called: str) -> dict[str, Any]:
    [found] = [
        d for d in documents(name, case) if (d["kind"], d["metadata"]["name"]) == (kind, called)
    ]
    return found


def pod(name: str, case: str) -> dict[str, Any]:
    """The pod of the controller's proxy."""
    kind = "DaemonSet" if case == "host-network" else "Deployment"
    template: dict[str, Any] = one(name, case, kind, PROXIES[name])["spec"]["template"]["spec"]
    return template


def arguments(name: str, case: str) -> list[str]:
    return [a for c in pod(name, case)["containers"] for a in c.get("args", [])]


def service(name: str, case: str) -> dict[str, Any]:
    """The service in front of the proxy."""
    [found] = [
        d["spec"]
        for d in documents(name, case)
        if d["kind"] == "Service" and {p["port"] for p in d["spec"]["ports"]} == {80, 443}
    ]
    spec: dict[str, Any] = found
    return spec


def ports(name: str, case: str) -> list[dict[str, Any]]:
    return [p for c in pod(name, case)["containers"] for p in c.get("ports", [])]


@pytest.mark.parametrize("name", CONTROLLERS)
def test_host_network_is_ports_80_and_443_of_each_node(name: str) -> None:
    template = pod(name, "host-network")
    if template.get("hostNetwork"):
        assert {80, 443} <= {p["containerPort"] for p in ports(name, "host-network")}
        assert template["dnsPolicy"] == "ClusterFirstWithHostNet"
    else:
        assert {p["hostPort"] for p in ports(name, "host-network") if "hostPort" in p} == {80, 443}
    assert service(name, "host-network")["type"] == "ClusterIP"
    assert template["nodeSelector"]["node-role.kubernetes.io/ingress"] == ""
    assert template["tolerations"][0]["key"] == "node-role.kubernetes.io/control-plane"
    assert enforced(name, "host-network") == "privileged"


def enforced(name: str, case: str) -> str:
    namespace = addon_of(name).file.namespace
    labels = one(name, case, "Namespace", namespace)["metadata"]["labels"]
    level: str = labels["pod-security.kubernetes.io/enforce"]
    return level.strip()


@pytest.mark.parametrize("name", CONTROLLERS)
@pytest.mark.parametrize("case", ["default", "load-balancer"])
def test_otherwise_it_takes_no_port_of_a_node(name: str, case: str) -> None:
    template = pod(name, case)
    assert not template.get("hostNetwork")
    assert not [p for p in ports(name, case) if "hostPort" in p]
    assert enforced(name, case) == "restricted"


@pytest.mark.parametrize("name", CONTROLLERS)
def test_the_service_is_of_the_type_that_was_asked_for(name: str) -> None:
    assert service(name, "default")["type"] == "NodePort"
    balanced = service(name, "load-balancer")
    assert balanced["type"] == "LoadBalancer"
    assert balanced["externalTrafficPolicy"] == "Local"
    assert [p["nodePort"] for p in balanced["ports"]] == [30080, 30443]


@pytest.mark.parametrize("name", CONTROLLERS)
@pytest.mark.parametrize("case", ["default", "host-network"])
def test_services_lead_to_the_pods_by_ports_that_they_have(name: str, case: str) -> None:
    named = {p["name"] for p in ports(name, case)}
    assert {p["targetPort"] for p in service(name, case)["ports"]} <= named
    template = one(
        name, case, "DaemonSet" if case == "host-network" else "Deployment", PROXIES[name]
    )["spec"]
    labels = template["template"]["metadata"]["labels"]
    for selector in (service(name, case)["selector"], template["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()


@pytest.mark.parametrize("name", CONTROLLERS)
def test_one_pod_has_no_disruption_budget(name: str) -> None:
    def budgets(case: str) -> set[str]:
        found = [d for d in documents(name, case) if d["kind"] == "PodDisruptionBudget"]
        return {d["metadata"]["name"] for d in found}

    assert PROXIES[name] in budgets("default")
    assert PROXIES[name] not in budgets("load-balancer")
    assert PROXIES[name] not in budgets("host-network")


@pytest.mark.parametrize("name", CONTROLLERS)
def test_default_class(name: str) -> None:
    def default(case: str) -> list[str]:
        classes = [d for d in documents(name, case) if d["kind"] == "IngressClass"]
        marks = [d["metadata"].get("annotations", {}) for d in classes]
        return [m.get("ingressclass.kubernetes.io/is-default-class", "") for m in marks]

    assert default("default") == ["true"]
    assert default("host-network") == ["false"]


@pytest.mark.parametrize("name", [n for n in CONTROLLERS if n != "contour"])
def test_pods_do_not_start_before_the_default_certificate_is_there(name: str) -> None:
    """A controller that starts without it serves its own fake certificate."""
    volumes = pod(name, "host-network")["volumes"]
    secrets = [v["secret"] for v in volumes if "secret" in v]
    secrets += [
        s["secret"]
        for v in volumes
        for s in v.get("projected", {}).get("sources", [])
        if "secret" in s
    ]
    [secret] = [s for s in secrets if SECRET in (s.get("secretName"), s.get("name"))]
    assert not secret.get("optional")
    [volume] = [v["name"] for v in volumes if SECRET in str(v)]
    mounted = [m for c in pod(name, "host-network")["containers"] for m in c["volumeMounts"]]
    assert volume in [m["name"] for m in mounted]
    assert SECRET not in str(documents(name, "default"))


def test_each_controller_is_told_of_the_default_certificate() -> None:
    named = "--default-ssl-certificate=$(POD_NAMESPACE)/wildcard-example-org"
    assert named in arguments("ingress-nginx", "host-network")

    config = one("haproxy", "host-network", "ConfigMap", "haproxy-kubernetes-ingress")["data"]
    assert config["ssl-certificate"] == "haproxy-controller/wildcard-example-org"

    [proxy] = [c for c in pod("kong", "host-network")["containers"] if c["name"] == "proxy"]
    env = {e["name"]: e["value"] for e in proxy["env"]}
    [mount] = [m for m in proxy["volumeMounts"] if m["name"] == "default-certificate"]
    assert env["KONG_SSL_CERT"] == f"{mount['mountPath']}/tls.crt"
    assert env["KONG_SSL_CERT_KEY"] == f"{mount['mountPath']}/tls.key"

    text = one("contour", "host-network", "ConfigMap", "contour")["data"]["contour.yaml"]
    fallback = {"name": SECRET, "namespace": "projectcontour"}
    assert yaml.safe_load(text)["tls"]["fallback-certificate"] == fallback
    delegated = one("contour", "host-network", "TLSCertificateDelegation", "default-certificate")
    assert delegated["spec"]["delegations"] == [{"secretName": SECRET, "targetNamespaces": ["*"]}]


def test_traefik_reads_the_default_certificate_from_the_folder_it_watches() -> None:
    template = pod("traefik", "host-network")
    [container] = template["containers"]
    [folder] = [m["mountPath"] for m in container["volumeMounts"] if m["name"] == "dynamic"]
    assert f"--providers.file.directory={folder}" in container["args"]
    [volume] = [v["projected"] for v in template["volumes"] if v["name"] == "dynamic"]
    files = [i["path"] for s in volume["sources"] if "secret" in s for i in s["secret"]["items"]]
    text = one("traefik", "host-network", "ConfigMap", "traefik-default-certificate")["data"]
    stores = yaml.safe_load(text["tls.yaml"])["tls"]["stores"]
    certificate = stores["default"]["defaultCertificate"]
    assert list(certificate.values()) == [f"{folder}/{file}" for file in files]


def test_traefik_serves_the_ingresses_of_ingress_nginx_when_asked() -> None:
    def classes(case: str) -> dict[str, str]:
        found = [d for d in documents("traefik", case) if d["kind"] == "IngressClass"]
        return {d["metadata"]["name"]: d["spec"]["controller"] for d in found}

    flag = "--providers.kubernetesingressnginx=true"
    assert flag not in arguments("traefik", "default")
    assert flag in arguments("traefik", "host-network")
    assert set(classes("host-network")) == {"traefik"}  # ingress-nginx has its class still
    assert classes("load-balancer")["nginx"] == "k8s.io/ingress-nginx"
    own = one("ingress-nginx", "default", "IngressClass", "nginx")
    assert own["spec"]["controller"] == "k8s.io/ingress-nginx"


def test_the_webhook_of_ingress_nginx() -> None:
    [hook] = one(
        "ingress-nginx", "default", "ValidatingWebhookConfiguration", "ingress-nginx-admission"
    )["webhooks"]
    asked = hook["clientConfig"]["service"]
    reached = one("ingress-nginx", "default", "Service", asked["name"])
    assert reached["metadata"]["namespace"] == asked["namespace"]
    assert asked["port"] in [p["port"] for p in reached["spec"]["ports"]]
    jobs = {
        d["metadata"]["name"]: d["spec"]["template"]["spec"]["containers"][0]["args"]
        for d in documents("ingress-nginx")
        if d["kind"] == "Job"
    }
    create, patch = (jobs[f"ingress-nginx-admission-{j}-1-15-1"] for j in ("create", "patch"))
    [hosts] = [a for a in create if a.startswith("--host=")]
    assert f"{asked['name']}.$(POD_NAMESPACE).svc" in hosts
    assert "--webhook-name=ingress-nginx-admission" in patch
    [volume] = pod("ingress-nginx", "default")["volumes"]
    for args in (create, patch):
        assert f"--secret-name={volume['secret']['secretName']}" in args


def test_ingress_nginx_without_its_webhook() -> None:
    left = {d["kind"] for d in documents("ingress-nginx", "load-balancer")}
    assert not left & {"ValidatingWebhookConfiguration", "Job"}
    assert not [a for a in arguments("ingress-nginx", "load-balancer") if "webhook" in a]


@pytest.mark.parametrize(
    ("minor", "version", "verbs"),
    [("1.24", "1.3.1", {"create", "get", "update"}), ("1.25", "1.9.6", set())],
)
def test_only_the_oldest_ingress_nginx_elects_its_leader_by_a_configmap(
    minor: str, version: str, verbs: set[str]
) -> None:
    [role] = [
        d
        for d in rendered("ingress-nginx", "default", minor)
        if d["kind"] == "Role" and d["metadata"]["name"] == "ingress-nginx"
    ]
    lead = [r["verbs"] for r in role["rules"] if r["resources"] == ["configmaps"]]
    assert {v for one in lead for v in one} == verbs
    image = f"registry.k8s.io/ingress-nginx/controller:v{version}"
    assert image in str(rendered("ingress-nginx", "default", minor))


def test_ingress_nginx_is_for_no_kubernetes_after_1_35() -> None:
    addon = addon_of("ingress-nginx")
    assert minors(addon)[-1] == "1.35"
    assert "1.35" in (addon.file.retired or "")


@pytest.mark.parametrize("name", CONTROLLERS)
def test_the_example_is_asked_for_through_the_controllers_service(name: str) -> None:
    addon = addon_of("ingress-example")
    made = cluster(version="1.34.0")
    given = {"controller": name, "path": "/hello"}
    choice = AddonChoice(values=given)
    release = addon.release(made.version)
    assert release
    one = Chosen(addon, release, merged(addon, given), choice)
    [check] = addon.file.checks
    path = render_text(made, one, check.get)
    [front] = [
        d["metadata"]
        for d in documents(name)
        if d["kind"] == "Service" and d["spec"]["ports"][0]["port"] == 80
    ]
    service_path = f"/api/v1/namespaces/{front['namespace']}/services/{front['name']}"
    assert path == f"{service_path}:http/proxy/hello"
    assert re.search(render_text(made, one, check.contains), '{\n "path": "/hello",\n')
    assert addon.needs(given) == [name]
    [ingress] = [d for d in render_all(made, [one], Offline())[0].objects if d["kind"] == "Ingress"]
    classes = [d["metadata"]["name"] for d in documents(name) if d["kind"] == "IngressClass"]
    assert ingress["spec"]["ingressClassName"] in classes
