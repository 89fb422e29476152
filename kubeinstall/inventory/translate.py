"""Pydantic's errors as issues in people's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from kubeinstall.inventory.formats import FORMS, Form
from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, Parsed, Spot, dotted
from kubeinstall.inventory.secrets import is_secret
from kubeinstall.inventory.suggestions import did_you_mean, nearest
from kubeinstall.inventory.yaml_file import lookalike

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "path_type": "a path",
}
_LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "string_too_long": ("max_length", "characters at most:"),
}


def translate(errors: list[ErrorDetails], parsed: Parsed) -> list[Issue]:
    """One issue for each place pydantic complains of."""
    by_place: dict[Loc, list[ErrorDetails]] = {}
    for error in errors:
        by_place.setdefault(_place(error, parsed), []).append(error)
    issues = [
        _with_character(_issue(place, found, parsed), parsed) for place, found in by_place.items()
    ]
    return list(_without_misspelled(issues, by_place))


def _without_misspelled(
    issues: list[Issue], by_place: dict[Loc, list[ErrorDetails]]
) -> Iterator[Issue]:
    """A missing key that is there misspelled is told once: at the misspelled one."""
    missing = {i.loc: i for i in issues if by_place[i.loc][0]["type"] == "missing"}
    meant = {
        loc
        for issue in issues
        if by_place[issue.loc][0]["type"] == "extra_forbidden"
        for loc in issue.doubts
    }
    for issue in issues:
        if issue.loc in missing and issue.loc in meant:
            continue
        doubts = [loc for loc in issue.doubts if loc in missing and loc in meant]
        more = tuple(loc for near in doubts for loc in missing[near].doubts)
        yield replace(issue, doubts=issue.doubts + more)


def _with_character(issue: Issue, parsed: Parsed) -> Issue:
    """The issue, with the character that makes a key or a value another than the one meant."""
    spot = parsed.spots.get(issue.loc)
    text = str(issue.loc[-1]) if issue.at_key else (spot.text if spot and spot.text else "")
    advice = "" if is_secret(issue.loc) else lookalike(text)
    return replace(issue, next=advice) if advice else issue


def _place(error: ErrorDetails, parsed: Parsed) -> Loc:
    """The place in the file: without pydantic's own parts (union members, ``[key]``)."""
    loc = error["loc"]
    if error["type"] == "missing":
        return loc
    while loc and loc not in parsed.spots:
        loc = loc[:-1]
    return loc


def _issue(loc: Loc, errors: list[ErrorDetails], parsed: Parsed) -> Issue:
    error = errors[0]
    name = dotted(loc)
    kind = error["type"]
    if kind == "missing":
        return _missing(loc)
    if kind == "extra_forbidden":
        return _unknown(loc)
    if error["loc"][len(loc) :] == ("[key]",):
        form = _form(error)
        what = f'{name}: the key "{loc[-1]}" is not {form.name}'
        return Issue(loc, what, next=_like(form.example), at_key=True)
    spot = parsed.spots.get(loc)
    shown = _shown(loc, error, spot)
    if len(errors) > 1:
        return Issue(loc, f"{name}: {shown} is not a single value", next="use text or a number")
    return _wrong_value(loc, error, shown, spot)


def _shown(loc: Loc, error: ErrorDetails, spot: Spot | None) -> str:
    """The value as it may be shown: as it was written, never a secret."""
    if is_secret(loc):
        return "a secret value"
    value = error.get("input")
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing (null)"
    text = spot.text if spot and spot.text is not None else str(value)
    return f'"{text}"' if len(text) <= 80 else f'"{text[:77]}..."'


def _wrong_value(loc: Loc, error: ErrorDetails, shown: str, spot: Spot | None) -> Issue:
    kind, ctx, name = error["type"], error.get("ctx", {}), dotted(loc)
    if kind in ("enum", "literal_error"):
        return _choice(loc, error, shown)
    if kind == "string_pattern_mismatch":
        form = _form(error)
        return Issue(loc, f"{name}: {shown} is not {form.name}", next=_like(form.example))
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return Issue(loc, f"{name}: {shown} is out of range", next=f"{words} {ctx[key]}")
    if kind in _TYPES:
        return _wrong_type(loc, error, shown, spot)
    if kind.startswith("ip_v4_address"):
        return Issue(loc, f"{name}: {shown} is not an IPv4 address", next=_like("10.0.0.11"))
    if kind.startswith("ip_v4_network"):
        return _network(loc, error, shown)
    reason = str(ctx.get("reason", ctx.get("error", "")))
    advice = str(ctx.get("advice", ""))
    return Issue(
        loc,
        f"{name}: {shown} is not {reason}" if reason else f"{name}: {shown} is wrong",
        next=advice,
    )


def _network(loc: Loc, error: ErrorDetails, shown: str) -> Issue:
    """Not a network, or an address inside one."""
    try:
        meant = str(IPv4Network(error.get("input"), strict=False))
    except ValueError:
        return Issue(loc, f"{dotted(loc)}: {shown} is not an IPv4 network", next=_like(_NETWORK))
    return Issue(
        loc,
        f"{dotted(loc)}: {shown} is an address inside a network, not a network",
        next=f"did you mean {meant}?",
    )


_NETWORK = "10.244.0.0/16"


def _form(error: ErrorDetails) -> Form:
    """The form a value or key lacks."""
    ctx = error.get("ctx", {})
    if "max_length" in ctx:
        return Form(f"short enough: {ctx['max_length']} characters at most", "")
    return FORMS[ctx["pattern"]]


def _like(example: str) -> str:
    return f"write it like {example}" if example else ""


def _wrong_type(loc: Loc, error: ErrorDetails, shown: str, spot: Spot | None) -> Issue:
    wanted = _TYPES[error["type"]]
    value, advice = error.get("input"), ""
    if is_secret(loc):
        return Issue(loc, f"{dotted(loc)}: {shown} is not text", next=_SECRET_FORMS)
    if wanted == "text" and isinstance(value, int | float) and spot:
        kind = "true or false" if isinstance(value, bool) else "a number"
        return Issue(
            loc,
            f"{dotted(loc)}: {shown} without quotes is {kind}; text is required",
            next=f'quote it: "{spot.text}"',
        )
    if "hosts" in loc[-2:] and loc[0] == "groups":
        advice = "write each host as `NAME: {address: 10.0.0.11}`"
    elif "taints" in loc[-2:]:
        advice = "write it like `- {key: example.org/gpu, effect: NoSchedule}`"
    elif value is None:
        advice = "set a value" if loc in REQUIRED else "set a value, or remove the key"
    return Issue(loc, f"{dotted(loc)}: {shown} is not {wanted}", next=advice)


_SECRET_FORMS = "use ${NAME} for an environment variable, or {file: PATH}"


def _choice(loc: Loc, error: ErrorDetails, shown: str) -> Issue:
    expected = str(error.get("ctx", {}).get("expected", ""))
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    return Issue(
        loc,
        f"{dotted(loc)}: {shown} is not one of {', '.join(choices)}",
        next=did_you_mean(str(error.get("input")), choices) or "use one of these",
    )


def _unknown(loc: Loc) -> Issue:
    known = list(known_keys(loc[:-1]))
    key = str(loc[-1])
    near = nearest(key, known)
    holder = dotted(loc[:-1])
    return Issue(
        loc,
        f"{dotted(loc)}: {holder} has no key {key}",
        why="" if near else f"the keys are {', '.join(known)}" if known else "",
        next=f"did you mean {near}?" if near else "remove it",
        at_key=True,
        doubts=((*loc[:-1], near),) if near else (),
    )


def _missing(loc: Loc) -> Issue:
    example = _EXAMPLES.get(str(loc[-1]), "")
    return Issue(
        loc,
        f"{dotted(loc)} is missing",
        next=f"add `{example}`" if example else f"add the key {loc[-1]}",
        at_key=True,
        doubts=() if loc in REQUIRED else (loc[:-1],),
    )


REQUIRED: tuple[Loc, ...] = (
    ("cluster",),
    ("cluster", "kubernetes"),
    ("groups",),
    ("groups", "control_plane"),
)
"""What every inventory has."""

_EXAMPLES = {
    "address": "address: 10.0.0.11",
    "kubernetes": "kubernetes: 1.36.2",
    "cluster": "cluster: {kubernetes: 1.36.2}",
    "effect": "effect: NoSchedule",
}


def known_keys(loc: Loc) -> Iterator[str]:
    """The keys that may stand at a place of the file."""
    model: Any = InventoryFile
    for part in loc:
        model = _inner(model, part)
        if model is None:
            return
    if isinstance(model, type) and issubclass(model, BaseModel):
        yield from model.model_fields


def _inner(model: Any, part: str | int) -> Any:
    """The type below a key or an index of a type; None where it is unknown."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = model.model_fields.get(str(part))
        return _bare(field.annotation) if field else None
    arguments = get_args(model)
    return _bare(arguments[-1]) if arguments else None


def _bare(annotation: Any) -> Any:
    """An annotation without its ``None``."""
    members = [member for member in get_args(annotation) if member is not type(None)]
    if type(None) in get_args(annotation) and len(members) == 1:
        return members[0]
    return annotation
