"""An addon's values: what it has by itself, and what an inventory says.

Values are described by JSON Schema (draft 2020-12); jsonschema checks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from kubeinstall.inventory.catalogue.model import Addon
from kubeinstall.inventory.positions import Loc
from kubeinstall.inventory.suggestions import did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


def merged(addon: Addon, given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values, and the addon's own for the others.

    A value without a default of its own and not given is left out: ``problems`` tells of it.
    """
    values: dict[str, Any] = {}
    for name, schema in addon.file.values.items():
        if name in given:
            values[name] = _filled(schema, given[name])
        elif "default" in schema:
            values[name] = _filled(schema, deepcopy(schema["default"]))
    return values


def _filled(schema: Mapping[str, Any], value: Any) -> Any:
    """The value with the defaults of its inner properties."""
    if not isinstance(value, dict):
        return value
    inner = schema.get("properties", {})
    defaults = {k: deepcopy(s["default"]) for k, s in inner.items() if "default" in s}
    return {**defaults, **{k: _filled(inner.get(k, {}), v) for k, v in value.items()}}


def has_secrets(addon: Addon) -> bool:
    """Whether an addon declares any of its values secret, given or not."""
    return any(map(_declares, addon.file.values.values()))


def secret_values(addon: Addon, values: Mapping[str, Any]) -> Iterator[str]:
    """The values that the addon declares secret: ``writeOnly`` or ``format: password``.

    Args:
        values: of the addon, defaults among them.
    """
    for name, value in values.items():
        yield from _secrets(addon.file.values.get(name, {}), value)


def _secrets(schema: Any, value: Any, inside: bool = False) -> Iterator[str]:
    schema = schema if isinstance(schema, Mapping) else {}
    inside = inside or _is_secret(schema)
    if isinstance(value, Mapping):
        inner = schema.get("properties") or {}
        rest = schema.get("additionalProperties")
        for name, each in value.items():
            yield from _secrets(inner.get(name, rest), each, inside)
    elif isinstance(value, list):
        for each in value:
            yield from _secrets(schema.get("items"), each, inside)
    elif inside and value is not None and not isinstance(value, bool):
        yield str(value)


def _declares(schema: Any) -> bool:
    """Whether a schema, or one inside it, is of a secret."""
    if isinstance(schema, Mapping):
        return _is_secret(schema) or any(map(_declares, schema.values()))
    return isinstance(schema, list) and any(map(_declares, schema))


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return schema.get("writeOnly") is True or schema.get("format") == "password"


def problems(addon: Addon, given: Mapping[str, Any]) -> Iterator[tuple[Loc, str, str]]:
    """What is wrong with given values: the place below ``values``, what, and what to do next."""
    # Here: most inventories have no values of addons, and commands start sooner without it.
    from jsonschema import Draft202012Validator

    schema = {
        "type": "object",
        "properties": addon.file.values,
        "required": [n for n, s in addon.file.values.items() if "default" not in s],
        "additionalProperties": False,
    }
    for error in Draft202012Validator(schema).iter_errors(dict(given)):
        yield from _told(addon, error)


def _told(addon: Addon, error: ValidationError) -> Iterator[tuple[Loc, str, str]]:
    place = tuple(error.absolute_path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    known = list(schema.get("properties", {}))
    if error.validator == "additionalProperties" and isinstance(error.instance, dict) and known:
        for name in error.instance:
            if name not in known:
                advice = did_you_mean(name, known) or f"the values are {', '.join(known)}"
                yield (*place, name), "unknown value", advice
    elif error.validator == "required" and isinstance(error.instance, dict):
        for name in schema["required"]:
            if name not in error.instance:
                about = schema["properties"].get(name, {}).get("description", "")
                yield place, f"{name} is missing", f"{name} is: {about}"
    else:
        what = error.message
        if place and _declares(addon.file.values.get(str(place[0]), {})):
            what = "it does not have the expected form"  # the message holds the value
        elif error.validator == "pattern":  # the expression itself tells most people nothing
            what = f'"{error.instance}" does not have the expected form'
        about = addon.file.values.get(str(place[0]), {}).get("description") if place else None
        advice = f"{place[0]} is: {about}" if about else f"kubeinstall addon show {addon.name}"
        yield place, what, advice
