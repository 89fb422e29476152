"""The proxies; their URLs may hold a login and are never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubeinstall.inventory.formats import PROXY
from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, dotted

_PROXY: Loc = ("cluster", "proxy")


def urls(inventory: InventoryFile) -> Iterator[Issue]:
    """A proxy is named by a URL that all who use it understand."""
    proxy = inventory.cluster.proxy
    if proxy is None:
        return
    if not proxy.urls:
        yield Issue(
            _PROXY,
            f"{dotted(_PROXY)} has no proxy",
            next="add `http: http://proxy.example.org:3128`, or remove the section",
            at_key=True,
        )
    for key, value in (("http", proxy.http), ("https", proxy.https)):
        if value is not None and not re.fullmatch(PROXY, value.get_secret_value()):
            yield Issue(
                (*_PROXY, key),
                f"{dotted((*_PROXY, key))} is not a proxy's URL",
                why="special characters in the user name and password are written as %XX",
                next="write it like http://[LOGIN:PASSWORD@]proxy.example.org:3128",
            )
