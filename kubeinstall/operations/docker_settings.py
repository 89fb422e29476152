"""Docker's settings and its flags: one holder of each setting, for dockerd refuses two.

Source: moby, cmd/dockerd and daemon/config/config.go (findConfigurationConflicts), and
daemon/logger (ValidateLogOpts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kubeinstall.facts.flags import Flag

_DRIVER, _OPTIONS = "log-driver", "log-opts"
_READABLE = ("json-file", "journald", "local")
"""Log drivers whose logs can be read back, as ``kubectl logs`` does."""
_SIZED = ("json-file", "local")
"""Those that know max-size and max-file."""

_EVERY = ("mode", "max-buffer-size")
_KNOWN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "json-file": frozenset(
            (
                *(*_EVERY, "max-size", "max-file", "compress"),
                *("labels", "labels-regex", "env", "env-regex", "tag"),
            )
        ),
        "local": frozenset((*_EVERY, "max-size", "max-file", "compress")),
    }
)
"""The options of drivers: with another one dockerd does not start."""

_KEYS: Mapping[str, str] = MappingProxyType(
    {
        **{
            name: f"{name}s"
            for name in (
                *("authorization-plugin", "cdi-spec-dir", "default-address-pool", "default-ulimit"),
                *("exec-opt", "host", "label", "log-opt", "node-generic-resource"),
                *("registry-mirror", "storage-opt", "dns-opt"),
            )
        },
        "insecure-registry": "insecure-registries",
        "graph": "data-root",
        "D": "debug",
        "G": "group",
        "H": "hosts",
        "b": "bridge",
        "g": "data-root",
        "l": "log-level",
        "p": "pidfile",
        "s": "storage-driver",
    }
)
"""How the file calls what a flag sets, where that is not the flag's own name."""


@dataclass(frozen=True)
class Clash:
    """A setting that dockerd would find in the file and among its flags, and refuse.

    Args:
        key: as the file has it.
        flag: the first of the flags. Values are not reported: they may be logins of log servers.
    """

    key: str
    flag: Flag

    def what(self, path: str) -> str:
        """One sentence.

        Args:
            path: of the file.
        """
        sets = f"{self.flag.holder} sets {self.flag.option}"
        return f"Docker would not start: {path} sets {self.key}, and {sets}"


@dataclass(frozen=True)
class Fit:
    """Our settings, and the file as it is, each without what would be in the other's way.

    Args:
        found: what the file says, without options of another log driver.
        ours: what we want in it, without what a flag sets to the same.
        flags: by the file's keys.
    """

    found: Mapping[str, Any]
    ours: Mapping[str, Any]
    flags: Mapping[str, tuple[Flag, ...]]

    def clashes(self, wanted: Mapping[str, Any]) -> tuple[Clash, ...]:
        """What the file as it should be has in common with the flags."""
        return tuple(
            Clash(key, self.flags[key][0])
            for key in wanted
            if key in self.flags and key != "runtimes"
        )


def log_settings(driver: str, options: Mapping[str, str]) -> dict[str, Any]:
    """The log driver, with these options if it is one that knows them.

    Args:
        options: max-size and max-file.
    """
    return {_DRIVER: driver, **({_OPTIONS: dict(options)} if driver in _SIZED else {})}


def fitted(found: Mapping[str, Any], settings: Mapping[str, Any], flags: Sequence[Flag]) -> Fit:
    """Our settings beside those of the host.

    Args:
        found: what the file says.
        settings: ours.
        flags: dockerd's.
    """
    by_key: dict[str, tuple[Flag, ...]] = {}
    for flag in flags:
        key = _KEYS.get(flag.name, flag.name)
        by_key[key] = (*by_key.get(key, ()), flag)
    ours = {key: v for key, v in settings.items() if not _same(v, by_key.get(key, ()))}
    driver = by_key[_DRIVER][-1].value if _DRIVER in by_key else ""
    if driver in _READABLE and driver != settings.get(_DRIVER):
        # The distribution's own, as Fedora's journald: pods' logs can be read all the same.
        ours = {key: v for key, v in ours.items() if key not in (_DRIVER, _OPTIONS)}
    driver = driver or str(ours.get(_DRIVER) or found.get(_DRIVER) or "json-file")
    return Fit(_of_driver(found, driver), ours, by_key)


def given_back(
    wanted: Mapping[str, Any], found: Mapping[str, Any], first: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The file without ours; a log driver that comes back has the options that it had.

    Args:
        wanted: without ours, key by key.
        found: with ours.
        first: as it was before us.
    """
    driver = wanted.get(_DRIVER)
    if driver != first.get(_DRIVER) or driver == found.get(_DRIVER) or _OPTIONS not in first:
        return wanted
    return {**wanted, _OPTIONS: first[_OPTIONS]}


def _of_driver(found: Mapping[str, Any], driver: str) -> Mapping[str, Any]:
    """The file without log options that the driver does not know."""
    options = found.get(_OPTIONS)
    if not isinstance(options, Mapping):
        return found
    if known := _KNOWN.get(driver):
        kept = {key: value for key, value in options.items() if key in known}
    else:
        kept = dict(options) if found.get(_DRIVER) == driver else {}
    rest = {key: value for key, value in found.items() if key != _OPTIONS}
    return found if kept == options else {**rest, **({_OPTIONS: kept} if kept else {})}


def _same(value: Any, flags: Sequence[Flag]) -> bool:
    """Whether flags set what the file would."""
    said = {flag.value for flag in flags}
    if isinstance(value, Mapping):
        return bool(flags) and said >= {f"{key}={item}" for key, item in value.items()}
    if isinstance(value, list):
        return bool(flags) and said >= {str(item) for item in value}
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return bool(flags) and flags[-1].value == text
