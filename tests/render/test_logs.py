"""What the addons of logs decide: formats, secrets, who may do what."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from kubeinstall.inventory.catalogue import values
from kubeinstall.inventory.catalogue.folders import find
from tests.render.test_addons import rendered

pytestmark = pytest.mark.render

SHIPPERS = ("fluent-bit", "filebeat", "fluentd")
COLLECTORS = (*SHIPPERS, "alloy")
IN_DOCKERS_FORMAT = {"alloy": "docker"}
EVERYWHERE = [{"operator": "Exists"}]


def of(name: str, case: str, kind: str) -> list[dict[str, Any]]:
    return [d for d in rendered(name, case, "1.37") if d["kind"] == kind]


def config(name: str, case: str = "default") -> str:
    [found] = of(name, case, "ConfigMap")
    [text] = found["data"].values()
    return str(text)


def docker_case(name: str) -> str:
    return IN_DOCKERS_FORMAT.get(name, "elsewhere")


def pod(name: str, case: str = "default", kind: str = "DaemonSet") -> dict[str, Any]:
    [found] = of(name, case, kind)
    return dict(found["spec"]["template"]["spec"])


@pytest.mark.parametrize(
    ("name", "cri", "docker"),
    [
        ("fluent-bit", "multiline.parser: cri", "multiline.parser: docker"),
        ("filebeat", "format: cri", "format: docker"),
        ("fluentd", "@type cri", "@type json"),
        ("alloy", "stage.cri { }", "stage.docker { }"),
    ],
)
def test_each_reads_the_runtimes_format(name: str, cri: str, docker: str) -> None:
    assert cri in config(name)
    assert docker not in config(name)
    assert docker in config(name, docker_case(name))
    assert cri not in config(name, docker_case(name))


@pytest.mark.parametrize("name", COLLECTORS)
def test_dockers_logs_are_links_that_can_be_followed(name: str) -> None:
    paths = {v["hostPath"]["path"] for v in pod(name)["volumes"] if "hostPath" in v}
    more = {
        v["hostPath"]["path"] for v in pod(name, docker_case(name))["volumes"] if "hostPath" in v
    }
    assert more - paths == {"/var/lib/docker/containers"}


@pytest.mark.parametrize("name", COLLECTORS)
def test_each_runs_on_every_node_and_writes_only_its_own(name: str) -> None:
    spec = pod(name)
    assert spec["tolerations"] == EVERYWHERE
    [container] = spec["containers"]
    written = {m["name"] for m in container["volumeMounts"] if not m.get("readOnly")}
    assert written <= {"data", "tmp"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", SHIPPERS)
def test_shippers_use_the_least_of_users(name: str) -> None:
    [container] = pod(name)["containers"]
    secrets = {
        e["valueFrom"]["secretKeyRef"]["name"]
        for e in container["env"]
        if "secretKeyRef" in e.get("valueFrom", {})
    }
    assert secrets == {"elasticsearch-shipper"}
    assert "shipper" in config(name)
    [ca] = [v["secret"] for v in pod(name)["volumes"] if "secret" in v]
    assert ca["items"] == [{"key": "ca.crt", "path": "ca.crt"}]


@pytest.mark.parametrize("name", SHIPPERS)
def test_shippers_can_send_elsewhere(name: str) -> None:
    assert "logs.example.org" in config(name, "elsewhere")
    assert "ca.crt" not in config(name, "elsewhere")
    assert not [v for v in pod(name, "elsewhere")["volumes"] if "secret" in v]


@pytest.mark.parametrize("name", ["fluent-bit", "filebeat"])
def test_configurations_are_yaml(name: str) -> None:
    assert isinstance(yaml.safe_load(config(name)), dict)


def test_what_is_sent_survives_a_stop() -> None:
    assert "storage.type: filesystem" in config("fluent-bit")
    assert "queue.disk" in config("filebeat")
    assert "@type file" in config("fluentd")
    for name in COLLECTORS:
        data = [v for v in pod(name)["volumes"] if v["name"] == "data"]
        assert data == [
            {
                "name": "data",
                "hostPath": {"path": f"/var/lib/{name}", "type": "DirectoryOrCreate"},
            }
        ]


def test_fluentds_sections_are_closed() -> None:
    for case in ("default", "elsewhere"):
        still_open: list[str] = []
        for line in map(str.strip, config("fluentd", case).splitlines()):
            if line.startswith("</"):
                assert still_open.pop() == line.strip("</>")
            elif line.startswith("<"):
                still_open.append(line.strip("<>").split()[0])
        assert still_open == []


def test_alloys_blocks_are_closed() -> None:
    for case in ("default", "docker"):
        text = config("alloy", case)
        assert text.count("{") == text.count("}")
        assert text.count('"') % 2 == 0


def test_loki_forgets_what_is_old() -> None:
    loki = yaml.safe_load(config("loki", "kept"))
    assert loki["limits_config"]["retention_period"] == "30d"
    assert loki["compactor"]["retention_enabled"]
    [claim] = of("loki", "kept", "StatefulSet")[0]["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "local-path"


def environment(case: str) -> dict[str, str]:
    [container] = pod("elasticsearch", case, "StatefulSet")["containers"]
    return {e["name"]: e.get("value", "") for e in container["env"]}


def test_elasticsearch_for_a_lab_and_for_real() -> None:
    small, large = environment("default"), environment("production")
    assert small["cluster.initial_master_nodes"] == "elasticsearch-0"
    assert large["cluster.initial_master_nodes"].split(",")[-1] == "elasticsearch-2"
    assert large["ES_JAVA_OPTS"] == "-Xms4g -Xmx4g"
    assert large["action.destructive_requires_name"] == "true"
    assert not of("elasticsearch", "default", "PodDisruptionBudget")
    assert of("elasticsearch", "production", "PodDisruptionBudget")
    assert small["xpack.security.enabled"] == small["xpack.security.http.ssl.enabled"] == "true"
    addon = find("elasticsearch")
    assert addon
    assert addon.file.hosts.sysctls == {"vm.max_map_count": 1048576}


def setup(case: str) -> dict[str, str]:
    [found] = of("elasticsearch", case, "ConfigMap")
    return dict(found["data"])


def test_shippers_only_add_logs() -> None:
    role = json.loads(setup("default")["role.json"])
    [indices] = role["indices"]
    assert not {"all", "read", "write", "delete", "manage"} & set(indices["privileges"])
    for name in SHIPPERS:
        assert "logs-kubernetes-default" in config(name)
    assert indices["names"] == ["logs-kubernetes-*"]


def test_logs_are_kept_as_long_as_asked() -> None:
    for case, kept, replicas in (("default", "7d", 0), ("production", "30d", 1)):
        template = json.loads(setup(case)["template.json"])["template"]
        assert template["lifecycle"] == {"data_retention": kept}
        assert template["settings"]["index.number_of_replicas"] == replicas


def test_no_password_is_an_argument() -> None:
    """curl reads them from standard input or files, printf is the shell's own."""
    probe = pod("elasticsearch", kind="StatefulSet")["containers"][0]["readinessProbe"]
    scripts = [probe["exec"]["command"][-1], setup("default")["setup.sh"]]
    for script in scripts:
        for line in script.splitlines():
            assert "PASSWORD" not in line or line.lstrip().startswith("printf ")


def test_kibana_is_not_the_superuser() -> None:
    [container] = pod("kibana", kind="Deployment")["containers"]
    names = {e["valueFrom"]["secretKeyRef"]["name"] for e in container["env"] if "valueFrom" in e}
    assert names == {"elasticsearch-kibana", "kibana-keys"}


def test_kibanas_secrets_are_no_arguments() -> None:
    """Its image makes arguments of the variables that are named as settings are."""
    [container] = pod("kibana", kind="Deployment")["containers"]
    settings = yaml.safe_load(config("kibana"))
    secret = {e["name"] for e in container["env"]}
    used = {v[2:-1] for v in settings.values() if isinstance(v, str) and v.startswith("${")}
    assert secret == used
    assert not secret & {name.upper().replace(".", "_") for name in settings}


@pytest.mark.parametrize("name", COLLECTORS)
def test_collectors_need_what_they_send_to(name: str) -> None:
    """Unless it is somebody else's."""
    addon = find(name)
    assert addon
    value, needed = ("url", "loki") if name == "alloy" else ("elasticsearch", "elasticsearch")
    assert addon.needs(values.merged(addon, {})) == [needed]
    elsewhere = {"url": "https://logs.example.org/push"} if name == "alloy" else {"host": "logs"}
    assert addon.needs(values.merged(addon, {value: elsewhere})) == []


def test_loki_keeps_logs_for_a_day_at_least() -> None:
    addon = find("loki")
    assert addon
    refused = [r for r in ("1h", "23h", "0d") if list(values.problems(addon, {"retention": r}))]
    assert refused == ["1h", "23h", "0d"]
    assert not [r for r in ("24h", "1d", "168h") if list(values.problems(addon, {"retention": r}))]


@pytest.mark.parametrize("case", ["default", "elsewhere"])
def test_fluentd_sends_lines_that_have_no_end(case: str) -> None:
    """What concat gives up waiting for takes the way of all others."""
    text = config("fluentd", case)
    before, _, after = text.partition("<label @WHOLE>")
    assert "timeout_label @WHOLE" in before
    assert "@type relabel\n  @label @WHOLE" in before
    assert "@type elasticsearch" not in before
    assert after.index("@type kubernetes_metadata") < after.index("@type elasticsearch")


def test_alloy_drops_nothing_while_loki_is_away() -> None:
    assert "max_backoff_retries = 0" in config("alloy")


def test_a_line_is_a_message_whoever_collects_it() -> None:
    """Filebeat's containers parser names it so by itself, and so does Fluentd's for CRI."""
    filters = yaml.safe_load(config("fluent-bit"))["pipeline"]["filters"]
    assert [f["name"] for f in filters] == ["kubernetes", "modify"]
    assert filters[1]["rename"] == "log message"
    assert 'message ${record["log"].to_s.chomp}' in config("fluentd", "elsewhere")
    assert "record_transformer" not in config("fluentd")


def test_labels_with_dots_are_no_levels() -> None:
    """``app`` and ``app.kubernetes.io/name`` of one pod would contradict each other."""
    [output] = yaml.safe_load(config("fluent-bit"))["pipeline"]["outputs"]
    assert output["replace_dots"]
    assert "@type dedot\n    de_dot_nested true" in config("fluentd")


def test_each_asks_for_its_own_nodes_pods_only() -> None:
    for name in ("fluentd", "filebeat", "alloy"):
        [container] = pod(name)["containers"]
        [node] = [e["name"] for e in container["env"] if "fieldRef" in e.get("valueFrom", {})]
        used = node == "K8S_NODE_NAME" if name == "fluentd" else node in config(name)
        assert used, name
