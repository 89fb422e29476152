"""Two addons for a live cluster, whose pods run the lab's own image: ``shop`` needs ``base``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.running import Ran, events, kubeinstall, on_host

IMAGE = "demo/busybox:1"

_WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ addon }}}
spec:
  replicas: {{ values.replicas }}
  selector: {matchLabels: {app.kubernetes.io/name: {{ addon }}}}
  template:
    metadata: {labels: {app.kubernetes.io/name: {{ addon }}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: {{ image('web') }}{{ values.tag }}
          command: {{ values.command | to_json }}
          readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
"""
_BASE = """
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {size: {type: integer}}}}
---
apiVersion: example.org/v1
kind: Thing
metadata: {name: first}
spec: {size: 1}
"""
_SHOP = """
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {app.kubernetes.io/name: shop}
  ports: [{port: 80, targetPort: 8080}]
{% for name in values.configs %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ name }}}
data: {size: "1"}
{% endfor %}
"""
_VALUES = {
    "replicas": {"type": "integer", "default": 1, "description": "Pods."},
    "tag": {"type": "string", "default": "", "description": "Appended to the image."},
    "command": {
        "type": "array",
        "default": ["httpd", "-f", "-p", "8080"],
        "description": "What its container runs.",
    },
    "configs": {"type": "array", "default": ["one", "two"], "description": "ConfigMaps."},
}


def write(top: Path) -> None:
    """Write both folders."""
    _folder(top, "base", _WORKLOAD + _BASE)
    login = {"name": "login", "keys": {"password": 24}}
    _folder(top, "shop", _WORKLOAD + _SHOP, needs=["base"], generated_secrets=[login])


def _folder(top: Path, name: str, text: str, **more: Any) -> None:
    (top / name / "manifests").mkdir(parents=True)
    file = {
        "name": name,
        "title": "A test",
        "releases": [{"version": "1.0.0", "images": {"web": IMAGE}}],
        "namespace": name,
        "values": _VALUES,
        **more,
    }
    (top / name / "addon.yaml").write_text(yaml.safe_dump(file))
    (top / name / "manifests" / "all.yaml.j2").write_text(text)


class Shop:
    """The cluster with the addons ``base`` and ``shop``, as a test wants them."""

    def __init__(self, inventory: Path, folder: Path) -> None:
        self._plain = inventory
        self._folder = folder
        self.log = folder / "events.jsonl"

    def inventory(self, **choices: Any) -> Path:
        document = yaml.safe_load(self._plain.read_text())
        repository = document["cluster"]["image_repository"]
        document["cluster"] |= {
            "addon_folders": [str(self._folder)],
            "addons": choices,
            "images": {"docker.io": repository},
        }
        path = self._folder / "inventory.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def up(self, **choices: Any) -> Ran:
        """Only the addons: the rest of the cluster is there."""
        path = self.inventory(**choices)
        return kubeinstall("up", "-y", "-i", path, "--only", "addons", "--events", self.log)

    @property
    def changed(self) -> list[str]:
        return [e["operation"] for e in events(self.log) if e.get("changed")]

    def kubectl(self, *commands: str) -> str:
        """What kubectl says to each, on the control plane."""
        calls = "\n".join(f"$k {command} || exit 1" for command in commands)
        return on_host(
            self._plain, "cp1", f"k='kubectl --kubeconfig /etc/kubernetes/admin.conf'\n{calls}"
        )
