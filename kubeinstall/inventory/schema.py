"""The inventory's JSON Schema, for editors: made from the model."""

from __future__ import annotations

import json
from typing import Any

from kubeinstall.inventory.model import InventoryFile

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Schema = {
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}",
    "description": "${NAME}: an environment variable.",
}
_SECRET_FILE: Schema = {
    "type": "object",
    "properties": {"file": {"type": "string", "description": "Relative to the inventory."}},
    "required": ["file"],
    "additionalProperties": False,
    "description": "{file: PATH}: the content of a file.",
}
_BESIDE = ("description", "default")
_FORMATS: dict[str, Schema] = {
    "ipv4": {"format": "ipv4"},
    "ipv4network": {"pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"},
}
"""What becomes of the formats pydantic writes; others are dropped."""
_CONSTRAINTS = frozenset({"pattern", "format", "enum", "const"})


def schema() -> Schema:
    """The schema of an inventory file as it is written: references and secret files included."""
    made = InventoryFile.model_json_schema()
    definitions = {name: _adjusted(part) for name, part in made.pop("$defs").items()}
    definitions["Reference"] = _REFERENCE
    definitions["SecretFile"] = _SECRET_FILE
    top = _adjusted(made)
    return {"$schema": DIALECT, "title": "kubeinstall inventory", **top, "$defs": definitions}


def schema_text() -> str:
    """The schema as the file that is shipped."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _adjusted(part: Schema) -> Schema:
    """One schema and all inside it, without pydantic's titles and with references allowed."""
    result = {key: value for key, value in part.items() if key != "title"}
    if "properties" in result:
        named = result["properties"].items()
        result["properties"] = {name: _adjusted(inner) for name, inner in named}
    result.update(_FORMATS.get(result.pop("format", ""), {}))
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), dict):
            result[key] = _adjusted(result[key])
    if "anyOf" in result:
        return {**result, "anyOf": _alternatives(result["anyOf"])}
    return _open(result)


def _alternatives(parts: list[Schema]) -> list[Schema]:
    """The members of a union, each reference once."""
    flat: list[Schema] = []
    for part in map(_adjusted, parts):
        for member in part["anyOf"] if set(part) == {"anyOf"} else [part]:
            if member not in flat:
                flat.append(member)
    return flat


def _open(part: Schema) -> Schema:
    """A scalar's schema that takes ``${NAME}`` too, and a secret's that takes a file."""
    secret = part.get("writeOnly") is True
    kind = part.get("type")
    narrow = kind in ("integer", "number", "boolean") or (
        kind == "string" and _CONSTRAINTS & part.keys()
    )
    if not secret and not narrow:
        return part
    beside = {key: part[key] for key in _BESIDE if key in part}
    own = {key: value for key, value in part.items() if key not in _BESIDE}
    if secret:
        others = [{"$ref": "#/$defs/SecretFile"}]
        own = {"type": "string"}
    else:
        others = [{"$ref": "#/$defs/Reference"}]
    return {**beside, "anyOf": [own, *others]}
