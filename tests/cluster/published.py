"""Addons that apply what others publish, each form once, with pods of the lab's own image."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from tests.render.published import chart, repository
from tests.web import Web

IMAGE = "example.org/busybox:1"
_DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 1
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: "IMAGE", command: [sleep, "99999"]}]
"""
_HOOK = """
apiVersion: batch/v1
kind: Job
metadata: {name: first, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec:
  ttlSecondsAfterFinished: 1
  template:
    spec:
      restartPolicy: Never
      containers: [{name: once, image: "{{ .Values.image }}", command: ["true"]}]
"""
_PATCHES = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: apples}
spec: {replicas: {{ values.replicas }}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: left-over}
$patch: delete
"""
_LEFT_OVER = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: left-over}\n"


def addons(top: Path, web: Web) -> Path:
    """A folder of three addons.

    ``apples`` is a manifest that the server has, patched; ``pears`` a chart that it has;
    ``plums`` a kustomization.
    """
    manifest = (_deployment("apples") + _LEFT_OVER).encode()
    web.pages["/apples.yaml"] = manifest
    pin = {"url": f"{web.url}/apples.yaml", "sha256": hashlib.sha256(manifest).hexdigest()}
    replicas = {"type": "integer", "default": 1, "description": "Pods of it."}
    _write(
        top, "apples", {"upstream": [pin]}, patches="patches.yaml.j2", values={"replicas": replicas}
    )
    (top / "apples" / "patches.yaml.j2").write_text(_PATCHES)

    of_chart = _deployment("{{ .Release.Name }}-web", "{{ .Values.image }}").replace(
        "replicas: 1", "replicas: {{ .Values.replicas }}"
    )
    templates = {"templates/web.yaml": of_chart, "templates/first.yaml": _HOOK}
    pin = {**repository(web, chart(**templates)), "values": "values.yaml.j2"}
    _write(top, "pears", {"chart": pin, "images": {"web": IMAGE}}, needs=["apples"])
    (top / "pears" / "values.yaml.j2").write_text("image: {{ image('web') }}\n")

    _write(top, "plums", {}, kustomization="kustomize")
    kustomize = top / "plums" / "kustomize"
    kustomize.mkdir()
    (kustomize / "kustomization.yaml").write_text("resources: [plums.yaml]\nnamePrefix: my-\n")
    (kustomize / "plums.yaml").write_text(_deployment("plums"))
    return top


def _deployment(name: str, image: str = IMAGE) -> str:
    return _DEPLOYMENT.replace("NAME", name).replace("IMAGE", image)


def _write(top: Path, name: str, release: dict[str, Any], **more: Any) -> None:
    file = {"name": name, "title": "Published", "namespace": name, **more}
    file["releases"] = [{"version": "1.0.0", **release}]
    (top / name).mkdir(parents=True)
    (top / name / "addon.yaml").write_text(yaml.safe_dump(file))
