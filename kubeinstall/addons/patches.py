"""Changes to objects that come from others: JSON Merge Patches (RFC 7386) in the objects' form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubeinstall.addons.objects import Object

DIRECTIVE = "$patch"
"""``$patch: delete`` leaves the whole object out; kustomize calls it so, RFC 7386 has none."""


class PatchError(Exception):
    """A patch that cannot be applied; says which and why."""


def patched(documents: Sequence[Object], patches: Sequence[Object]) -> list[Object]:
    """Objects with patches laid on them, in order.

    Args:
        patches: partial objects. Each is for the objects of the same apiVersion, kind and name,
            and of the same namespace where it names one.

    Raises:
        PatchError: a patch is for no object, or has another directive.
    """
    made = list(documents)
    for patch in patches:
        if not any(_is_for(patch, document) for document in made):
            raise PatchError(f"the patch of {_name(patch)} matches no object{_near(patch, made)}")
        if patch.get(DIRECTIVE, "delete") != "delete":
            raise PatchError(f"the patch of {_name(patch)} has {DIRECTIVE}: {patch[DIRECTIVE]}")
        if DIRECTIVE in patch:
            made = [document for document in made if not _is_for(patch, document)]
        else:
            made = [merged(d, patch) if _is_for(patch, d) else d for d in made]
    return made


def merged(target: Any, patch: Any) -> Any:
    """A value with a JSON Merge Patch applied (RFC 7386, section 2); null takes a key away."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _is_for(patch: Object, document: Object) -> bool:
    wanted, has = patch["metadata"], document["metadata"]
    return (
        (patch["apiVersion"], patch["kind"]) == (document["apiVersion"], document["kind"])
        and wanted["name"] == has["name"]
        and wanted.get("namespace", has.get("namespace")) == has.get("namespace")
    )


def _name(document: Object) -> str:
    metadata = document["metadata"]
    path = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    return f"{document['kind']} {path} ({document['apiVersion']})"


def _near(patch: Object, documents: Sequence[Object]) -> str:
    """Objects that may be meant: of the same kind, or else of the same name."""
    same = [d for d in documents if d["kind"] == patch["kind"]]
    same = same or [d for d in documents if d["metadata"]["name"] == patch["metadata"]["name"]]
    names = ", ".join(_name(document) for document in same[:5])
    return f"; there is {names}" if names else ""
