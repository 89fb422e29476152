"""The secrets that an inventory holds, wherever in it they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, SecretStr

from kubeinstall.inventory.catalogue.folders import UnreadableAddonError, find
from kubeinstall.inventory.catalogue.values import merged, secret_values
from kubeinstall.inventory.model import Cluster, Proxy

# A login in a URL, greedy as a password may hold an @ that was not written as %40.
_LOGIN = re.compile(r"://([^/\s'\"]+)@")


def known_secrets(cluster: Cluster) -> list[str]:
    """Everything in an inventory that must not be shown.

    These are all fields that are declared secret, logins in URLs anywhere (mirrors, package
    sources, proxies, settings of the runtime), and values that an addon declares secret.
    """
    found = [*_within(cluster.spec), *(s for host in cluster.hosts for s in _within(host))]
    for registry in cluster.spec.runtime.registries.values():
        found += [registry.auth] if registry.auth else []
    return list(dict.fromkeys(filter(None, [*found, *_of_addons(cluster)])))


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, Proxy):  # its URLs are no secrets, but the logins in them
        for url in value.urls.values():
            yield from _logins(url)
    elif isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _within(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _within(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _within(inner)
    elif isinstance(value, str):
        yield from _logins(value)


def _logins(text: str) -> Iterator[str]:
    """The logins in URLs, and their passwords as programs may print them."""
    for match in _LOGIN.finditer(text):
        login = match[1]
        password = login.partition(":")[2]
        yield from (login, password, unquote(password))


def _of_addons(cluster: Cluster) -> Iterator[str]:
    for name, choice in cluster.spec.addons.items():
        try:
            addon = find(name, list(cluster.spec.addon_folders))
        except UnreadableAddonError:
            continue  # whoever needs it reports it
        if addon:
            yield from secret_values(addon, merged(addon, choice.values))
