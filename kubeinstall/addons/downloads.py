"""Files that addons pin by their SHA-256: downloaded once to this machine, and kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import Message
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
    getproxies,
)

from kubeinstall import __version__
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Proxy
from kubeinstall.inventory.no_proxy import covered
from kubeinstall.resources import cache

MAX_BYTES = 64 << 20
_TIMEOUT = 30
_TRIES = 3
_PAUSE = 1.0
_LOCAL = ("localhost", "127.0.0.0/8")


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    reason: str
    headers: Message
    body: bytes


class Downloads:
    """Downloads to this machine, and what is kept of them below the user's cache folder.

    Args:
        proxy: the inventory's. It counts where the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)
            names none: this machine need not be where the hosts are.
    """

    def __init__(self, proxy: Proxy | None = None) -> None:
        self._opener = _opener(proxy)

    def pinned(self, url: str, sha256: str) -> bytes:
        """The file with that checksum, from the cache if it is there.

        Raises:
            KubeinstallError: it cannot be fetched, or is another one.
        """
        found = kept(sha256)
        if found is None:
            try:
                found = self.read(url)
            except KubeinstallError as error:
                raise KubeinstallError(_with_way_out(error.findings[0], sha256)) from error
            keep(found, sha256, url)
        return found

    def read(self, url: str) -> bytes:
        """What is at an address now; it is not kept.

        Raises:
            KubeinstallError: it cannot be fetched.
        """
        answer = self.ask(url)
        if answer.status != 200:
            raise refused(url, answer)
        return answer.body

    def ask(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """What a server answers, whatever its status; redirects are followed.

        Args:
            headers: go to this address only, not to one that it redirects to.

        Raises:
            KubeinstallError: no server answers, or its answer is cut off or too long.
        """
        request = Request(url, headers={"User-Agent": f"kubeinstall/{__version__}"})
        for name, value in (headers or {}).items():
            request.add_unredirected_header(name, value)
        for again in reversed(range(_TRIES)):
            try:
                answer = self._once(request)
            except ValueError as error:
                raise _failed(url, error) from None
            except (OSError, HTTPException) as error:
                if not again:
                    raise _failed(url, error) from None
            else:
                if answer.status < 500 or not again:
                    return answer
            time.sleep(_PAUSE)
        raise AssertionError  # the last try returns or raises

    def _once(self, request: Request) -> Answer:
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                body = response.read(MAX_BYTES + 1)
                if len(body) > MAX_BYTES:
                    raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
                if response.length:  # read(n) of http.client does not tell of a body cut short
                    raise IncompleteRead(body, response.length)
                return Answer(response.status, response.reason, response.headers, body)
        except HTTPError as error:
            with error:
                return Answer(error.code, str(error.reason), error.headers, error.read(1 << 16))


def kept(sha256: str) -> bytes | None:
    """A file of the cache; one that is damaged there counts as none."""
    try:
        data = _place(sha256).read_bytes()
    except (OSError, RuntimeError):
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def keep(data: bytes, sha256: str, url: str) -> None:
    """Put a file into the cache, if that can be written.

    Raises:
        KubeinstallError: it is another file.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise KubeinstallError(
            Finding(
                Kind.LOCAL,
                f"{url} is not the file that the addon pins",
                why=f"its SHA-256 is {found}, but {sha256} is pinned",
                next="check what changed upstream; only if you trust it, update the SHA-256 "
                "in addon.yaml",
            )
        )
    with contextlib.suppress(OSError, RuntimeError):
        place = _place(sha256)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(part).replace(place)


def refused(url: str, answer: Answer) -> KubeinstallError:
    """What is told of an answer that has not what was asked for."""
    advice = "check the address, and that it can be downloaded without a login"
    why = f"the server returned {answer.status} {answer.reason}".rstrip()
    return KubeinstallError(
        Finding(Kind.LOCAL, f"{url} cannot be downloaded", why=why, next=advice)
    )


def _place(sha256: str) -> Path:
    return cache() / "addons" / sha256


def _with_way_out(finding: Finding, sha256: str) -> Finding:
    """For a machine that cannot reach it: where a file that came another way is looked for."""
    way = f"{finding.next}; or save the file as {_place(sha256)}"
    return replace(finding, next=way)


def _failed(url: str, error: Exception) -> KubeinstallError:
    reason = error.reason if isinstance(error, URLError) else error
    why = str(reason) or type(reason).__name__
    if isinstance(error, IncompleteRead):
        why = f"the download ended after {len(error.partial)} bytes"
    return KubeinstallError(
        Finding(
            Kind.LOCAL,
            f"{url} cannot be downloaded",
            why=why,
            next="check that this machine can reach it; if it needs a proxy, set HTTPS_PROXY or "
            "cluster.proxy",
        )
    )


class _Redirects(HTTPRedirectHandler):
    """Follows redirects, but from https to https only."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in {"https", req.type}:
            raise URLError(f"it redirects from {req.type} to {scheme}: {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Proxies(ProxyHandler):
    """The inventory's proxy, for what it does not except; asked again for each redirect."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy.urls)
        self._direct = (*_LOCAL, *proxy.no_proxy)

    def proxy_open(self, req: Request, proxy: str, type: str) -> Any:
        if covered(urlsplit(req.full_url).hostname or "", self._direct):
            return None
        return super().proxy_open(req, proxy, type)


def _opener(proxy: Proxy | None) -> OpenerDirector:
    own = getproxies().keys() & {"http", "https", "all"}
    return build_opener(_Proxies(proxy) if proxy and not own else ProxyHandler(), _Redirects())
