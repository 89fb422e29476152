"""What Prometheus is given, and what dashboards ask it, as Debian's promtool reads them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.lab.mirror.apt import Apt
from kubeinstall.lab.mirror.cache import Cache
from tests.render.test_addons import rendered

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

_SECRETS = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program out of Debian's package; nothing is installed."""
    cache = Cache.from_environment()
    with cache.locked(print):
        apt = Apt(cache.apt)
        apt.update(print)
        root = apt.unpack("prometheus", tmp_path_factory.mktemp("prometheus"))
    return root / "usr/bin/promtool"


def check(promtool: Path, what: str, path: Path) -> str:
    """What promtool says of a file that it takes."""
    done = subprocess.run(
        [promtool, "check", what, path], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def config_map(addon: str, case: str) -> dict[str, str]:
    [found] = [d for d in rendered(addon, case, "1.37") if d["kind"] == "ConfigMap"]
    data: dict[str, str] = found["data"]
    return data


def without_discovery(text: str, folder: Path) -> str:
    """The configuration with targets in place of Kubernetes', which Debian's build cannot find."""
    for name in ("token", "ca.crt"):
        (folder / name).touch()
    text = text.replace(_SECRETS, str(folder)).replace("/etc/prometheus", str(folder))
    document: dict[str, Any] = yaml.safe_load(text)
    for job in document["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None):
            job["static_configs"] = [{"targets": ["localhost:1"]}]
    return yaml.safe_dump(document)


@pytest.mark.parametrize("case", ["default", "kept"])
def test_prometheus_starts_with_it(case: str, promtool: Path, tmp_path: Path) -> None:
    data = config_map("prometheus", case)
    (tmp_path / "rules.yml").write_text(data["rules.yml"])
    path = tmp_path / "prometheus.yml"
    path.write_text(without_discovery(data["prometheus.yml"], tmp_path))
    assert "is valid prometheus config file" in check(promtool, "config", path)


def queries() -> Iterator[tuple[str, str]]:
    """Each panel's title with what it asks."""
    for name, text in config_map("grafana", "kept").items():
        if name.endswith(".json"):
            for panel in json.loads(text)["panels"]:
                yield panel["title"], panel["targets"][0]["expr"]


def test_dashboards_ask_what_prometheus_understands(promtool: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expr.replace("$__rate_interval", "5m")}
        for number, (_, expr) in enumerate(queries())
    ]
    assert len(rules) > 15
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules found" in check(promtool, "rules", path)
