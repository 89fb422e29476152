"""Logs as a kubelet named them, against what collectors are told to read."""

from __future__ import annotations

import fnmatch
import json
import re
from datetime import datetime

import pytest
import yaml

from tests.render.test_logs import config

pytestmark = pytest.mark.render

ETCD = "faae3d50e1262d95faca7f35b9ff67ad"
PROXY = "162bca58-e40e-4a23-ae3f-f17c0b19b025"
FILES = {
    f"/var/log/pods/kube-system_etcd-cp1_{ETCD}/etcd/0.log": ("true", ETCD, "etcd"),
    f"/var/log/pods/kube-system_kube-proxy-85h98_{PROXY}/kube-proxy/0.log": (
        "",
        PROXY,
        "kube-proxy",
    ),
}
"""Logs with what Kubernetes tells of the pod: whether it is static (its folder has the hash of its
manifest, its UID is another), the hash or the UID, and the container."""
LINK = (
    "/var/log/containers/etcd-cp1_kube-system_etcd-"
    "dfed1ed13c75ae7da7e60d4a2289d8eda74f770b2b9821ad725cbcbc240a512e.log"
)
DOCKER = r'{"log":"I | etcdmain\n","stream":"stderr","time":"2026-11-21T12:38:20.83538878Z"}'
"""A line as docker's driver json-file writes it, by its documentation."""


@pytest.mark.parametrize(("path", "pod"), FILES.items())
def test_alloy_finds_the_log_of_a_container(path: str, pod: tuple[str, str, str]) -> None:
    static, folder, container = pod
    rules = re.findall(r"rule \{\n(.*?)\n  \}", config("alloy"), re.DOTALL)
    by_uid, by_hash = [r for r in rules if '"__path__"' in r]
    uid = "00000000-0000-0000-0000-000000000000" if static else folder
    pattern = _replaced(by_uid, f"{uid}/{container}")
    hashed = _replaced(by_hash, f"{static}/{folder if static else ''}/{container}")
    assert fnmatch.fnmatchcase(path, hashed or pattern or "")
    for other in FILES.keys() - {path}:
        assert not fnmatch.fnmatchcase(other, hashed or pattern or "")


def _replaced(rule: str, text: str) -> str | None:
    """What Prometheus' relabelling makes of it; None: the rule is not for it."""
    said = dict(re.findall(r'(\w+) += "(.*)"', rule))
    found = re.fullmatch(said.get("regex", "(.*)"), text)
    return said["replacement"].replace("$1", found[1]) if found else None


@pytest.mark.parametrize("name", ["fluent-bit", "filebeat", "fluentd"])
def test_each_reads_all_logs_but_its_own(name: str) -> None:
    own = f"/var/log/containers/{name}-x2x4z_logging_{name}-{'0' * 64}.log"
    text = config(name)
    if name == "filebeat":
        [source] = yaml.safe_load(text)["filebeat.inputs"]
        (read,), (left,) = source["paths"], source["prospector.scanner"]["exclude_files"]
        excluded = [p for p in (own, LINK) if re.search(left, p)]
    else:
        if name == "fluent-bit":
            [source] = yaml.safe_load(text)["pipeline"]["inputs"]
            read, left = source["path"], source["exclude_path"]
        else:
            read = re.findall(r"^  path (\S+)$", text, re.MULTILINE)[0]
            [left] = json.loads(re.findall(r"exclude_path (.*)", text)[0])
        excluded = [p for p in (own, LINK) if fnmatch.fnmatchcase(p, left)]
    assert fnmatch.fnmatchcase(LINK, read)
    assert excluded == [own]


def test_fluentd_reads_dockers_lines() -> None:
    """Its configuration says what a line's parts are; Ruby's %N takes any number of digits."""
    text = config("fluentd", "elsewhere")
    line = json.loads(DOCKER)
    parts = dict(
        re.findall(r"^ +(time_key|time_format|key|stream_identity_key) (\S+)$", text, re.M)
    )
    assert {parts["time_key"], parts["stream_identity_key"], "log"} == set(line)
    seconds, _, fraction = line[parts["time_key"]].rstrip("Z").partition(".")
    layout, _, rest = parts["time_format"].partition(".")
    assert datetime.strptime(seconds, layout) == datetime(2026, 11, 21, 12, 38, 20)
    assert (rest, fraction.isdigit()) == ("%N%z", True)
    [end] = re.findall(r"multiline_end_regexp /(.*)/", text)
    assert re.search(end, line["log"])
    assert not re.search(end, line["log"].rstrip("\n"))
