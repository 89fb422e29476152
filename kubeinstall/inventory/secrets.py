"""``${NAME}`` in any text, and ``{file: PATH}`` where a secret may stand."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import SecretStr

from kubeinstall.inventory.model import Proxy, Registry, Ssh, Strict
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.inventory.resolve import local


def _secrets_of(model: type[Strict]) -> frozenset[str]:
    fields = model.model_fields.items()
    return frozenset(name for name, field in fields if SecretStr in get_args(field.annotation))


_OF_SSH = _secrets_of(Ssh)
_OF_REGISTRY = _secrets_of(Registry)
_OF_PROXY = _secrets_of(Proxy)
SECRETS = _OF_SSH | _OF_REGISTRY | _OF_PROXY
"""Keys of ``ssh``, of registries and of proxies whose values are never shown."""
_REGISTRIES = ("cluster", "runtime", "registries")
_PROXY = ("cluster", "proxy")

_REFERENCE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<name>[^}]*)(?P<end>\}?)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_secret(loc: Loc) -> bool:
    """Whether the value at a place of the file must not be shown."""
    if loc[:3] == _REGISTRIES:
        return bool(_OF_REGISTRY.intersection(map(str, loc[4:5])))
    if loc[:2] == _PROXY:
        return bool(_OF_PROXY.intersection(map(str, loc[2:3])))
    return any(part == "ssh" and following in _OF_SSH for part, following in pairwise(loc))


class Expander:
    """Replaces references in plain values; what is wrong gathers in ``issues``.

    Args:
        files_must_exist: False makes a missing file a warning: a lab that is not up yet has none.
    """

    def __init__(
        self, environ: Mapping[str, str], base: Path, *, files_must_exist: bool = True
    ) -> None:
        self.environ = environ
        self.base = base
        self._severity: Literal["error", "warning"] = "error" if files_must_exist else "warning"
        self.issues: list[Issue] = []

    def expand(self, value: Any, loc: Loc = ()) -> Any:
        """The value with all references replaced; relative files start at ``base``."""
        if is_secret(loc) and isinstance(value, dict) and set(value) == {"file"}:
            path = self.expand(value["file"], (*loc, "file"))
            return self._read(path, loc) if isinstance(path, str) else value
        if isinstance(value, dict):
            return {key: self.expand(inner, (*loc, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.expand(inner, (*loc, index)) for index, inner in enumerate(value)]
        if isinstance(value, str):
            return self._text(value, loc)
        return value

    def _text(self, text: str, loc: Loc) -> str:
        # A proxy's URL is a secret only with a login in it.
        telling = "@" in text if loc[:2] == _PROXY else bool(text)
        if is_secret(loc) and loc[-1] in SECRETS and telling and "${" not in text:
            self._warn_plain(loc)
        expanded = "".join(self._pieces(text, loc))
        if _CONTROL.search(expanded):
            self.issues.append(
                Issue(
                    loc,
                    f"{dotted(loc)}: the value contains a control character",
                    next="remove it; only tabs and line breaks are allowed",
                )
            )
        return expanded

    def _pieces(self, text: str, loc: Loc) -> Iterator[str]:
        end = 0
        for match in _REFERENCE.finditer(text):
            yield text[end : match.start()]
            end = match.end()
            yield "${" if match["escaped"] else self._variable(match, loc)
        yield text[end:]

    def _variable(self, match: re.Match[str], loc: Loc) -> str:
        name = match["name"]
        if not match["end"] or not _NAME.fullmatch(name):
            self.issues.append(
                Issue(
                    loc,
                    f"{dotted(loc)}: `${{` starts a reference that is not ${{NAME}}",
                    why="only the name of an environment variable can be between the braces",
                    next="write $${ for a plain ${",
                )
            )
        elif name not in self.environ:
            self.issues.append(
                Issue(
                    loc,
                    f"{dotted(loc)}: the environment variable {name} is not set",
                    next=f"run `export {name}=...` first, or write $${{ for a plain ${{",
                )
            )
        return self.environ.get(name, "")

    def _warn_plain(self, loc: Loc) -> None:
        self.issues.append(
            Issue(
                loc,
                f"{dotted(loc)}: a secret is in plain text in the inventory",
                why="everyone who can read the file or its history can read the secret",
                next="use ${NAME} and set the variable, or use {file: PATH}",
                severity="warning",
            )
        )

    def _read(self, name: str, loc: Loc) -> str:
        path = local(name, self.base)
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            missing = isinstance(error, FileNotFoundError)
            self.issues.append(
                Issue(
                    (*loc, "file"),
                    f"{dotted(loc)}: the secret's file {path} cannot be read",
                    why=reason or "",
                    next="paths are relative to the inventory's folder",
                    severity=self._severity if missing else "error",
                    doubts=(loc,),
                )
            )
            return ""
        if mode & 0o077:
            self.issues.append(
                Issue(
                    (*loc, "file"),
                    f"{dotted(loc)}: the secret's file is readable by others: {path} (mode "
                    f"{mode:o})",
                    next=f"chmod 600 {path}",
                    severity="warning",
                )
            )
        return text.removesuffix("\n").removesuffix("\r")
