"""Kubernetes' own schemas of objects, strict: kubernetes-validate has them, 1.25 to 1.37.

Its own ``validate`` reads some megabytes for each object, so the reading is kept here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes_validate import utils
from referencing import Registry, Resource

VERSIONS = tuple(utils.major_minor(version) for version in utils.all_versions())
"""The minors there are schemas of, oldest first."""
_FULL = {utils.major_minor(version): version for version in utils.all_versions()}
_CRD = "CustomResourceDefinition"


def errors(document: Mapping[str, Any], minor: str, crds: Mapping[str, Any]) -> list[str]:
    """What is wrong with an object for a Kubernetes minor.

    Args:
        crds: the schema of each custom resource by ``apiVersion/kind``.
    """
    kind = f"{document['apiVersion']}/{document['kind']}"
    try:
        validator = Draft202012Validator(crds[kind]) if kind in crds else _validator(kind, minor)
    except FileNotFoundError:
        return [f"{kind} is unknown to Kubernetes {minor}"]
    found = validator.iter_errors(document)
    return [f"{document['metadata']['name']}: {e.json_path}: {e.message[:300]}" for e in found]


@cache
def _validator(kind: str, minor: str) -> Draft202012Validator:
    folder = f"kubernetes-json-schema/v{_FULL[minor]}-local-strict"
    api_version, _, name = kind.rpartition("/")
    # rbac.authorization.k8s.io/v1 is in the file role-rbac-v1.json
    short = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    schema = utils.schema_contents(f"{folder}/{name.lower()}-{short}.json", minor)
    return Draft202012Validator(schema, registry=_registry(folder, minor))


@cache
def _registry(folder: str, minor: str) -> Registry[Any]:
    definitions = utils.schema_contents(f"{folder}/_definitions.json", minor)
    registry: Registry[Any] = Resource.from_contents(definitions) @ Registry()
    return registry


def schemas_of(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The schemas that CRDs give of their custom resources, by ``apiVersion/kind``."""
    return {
        f"{d['spec']['group']}/{version['name']}/{d['spec']['names']['kind']}": _closed(
            version.get("schema", {}).get("openAPIV3Schema", {}), top=True
        )
        for d in documents
        if d["kind"] == _CRD
        for version in d["spec"]["versions"]
    }


def _closed(schema: Any, top: bool = False) -> Any:
    """A structural schema as JSON Schema that takes no unknown fields, as strict decoding does."""
    if not isinstance(schema, dict):
        return schema
    made = {k: _closed(v) for k, v in schema.items() if k not in ("properties", "default")}
    if "properties" in schema:
        made["properties"] = {k: _closed(v) for k, v in schema["properties"].items()}
        if top:
            made["properties"].update(apiVersion={}, kind={}, metadata={})
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    return made
