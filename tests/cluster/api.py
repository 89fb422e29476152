"""The lab's API server, asked without kubectl: one request for one object."""

from __future__ import annotations

import base64
import json
import re
import ssl
import tempfile
from functools import cached_property
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, Request, build_opener

import yaml

Object = dict[str, Any]

_UNDECLARED = re.compile(r"\.([\w.\[\]\"=:/,{} -]*?): field not declared in schema")


class Api:
    """An API server by its administrator's kubeconfig.

    Args:
        kubeconfig: the file's text.
        address: where it is reached.
    """

    def __init__(self, kubeconfig: str, address: str) -> None:
        document = yaml.safe_load(kubeconfig)
        self.url = f"https://{address}:6443"
        self._cluster = document["clusters"][0]["cluster"]
        self._user = document["users"][0]["user"]

    @cached_property
    def _opener(self) -> Any:
        authority = base64.b64decode(self._cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile("w") as file:
            for part in ("client-certificate-data", "client-key-data"):
                file.write(base64.b64decode(self._user[part]).decode())
            file.flush()
            context.load_cert_chain(file.name)
        return build_opener(HTTPSHandler(context=context))

    def ask(self, method: str, path: str, document: Object | None = None, **headers: str) -> Any:
        """The answer to a request.

        Raises:
            HTTPError: the server refuses; its words are in ``reason``.
        """
        data = json.dumps(document).encode() if document is not None else None
        request = Request(self.url + path, data, method=method, headers=headers)
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.load(answer)
        except HTTPError as error:
            body = json.loads(error.read() or b"{}")
            error.msg = body.get("message", "")
            raise

    @cached_property
    def served(self) -> dict[tuple[str, str], tuple[str, bool]]:
        """What is served: apiVersion and kind to the resource, and whether it has a namespace."""
        groups = self.ask("GET", "/apis")["groups"]
        versions = ["v1", *(v["groupVersion"] for g in groups for v in g["versions"])]
        return {
            (version, r["kind"]): (r["name"], r["namespaced"])
            for version in versions
            for r in self.ask("GET", _root(version))["resources"]
            if "/" not in r["name"]
        }

    def path(self, document: Object) -> str:
        """The path of an object."""
        name, namespaced = self.served[document["apiVersion"], document["kind"]]
        metadata = document["metadata"]
        inside = f"/namespaces/{metadata['namespace']}" if namespaced else ""
        return f"{_root(document['apiVersion'])}{inside}/{name}/{metadata['name']}"

    def create(self, document: Object) -> None:
        """Make an object; one that is there stays."""
        try:
            folder = self.path(document).rpartition("/")[0]
            self.ask("POST", folder, document, **{"Content-Type": "application/json"})
        except HTTPError as error:
            if error.code != 409:
                raise

    def delete(self, document: Object) -> None:
        """Delete an object."""
        self.ask("DELETE", self.path(document))

    def dry_run(self, document: Object) -> str:
        """Apply an object in a dry run; what the server has against it, or nothing.

        Fields of a later Kubernetes than the server's are left out: it says itself that it does
        not know them. That they are right is what the render tests judge.
        """
        if document["kind"] == "APIService":  # 1.20 has no server-side apply of these
            folder = self.path(document).rpartition("/")[0]
            plain = {"Content-Type": "application/json"}
            self.ask("POST", f"{folder}?dryRun=All", document, **plain)
            return ""
        query = "?dryRun=All&fieldManager=kubeinstall&force=true"
        for _ in range(20):
            try:
                self.ask(
                    "PATCH",
                    self.path(document) + query,
                    document,
                    **{"Content-Type": "application/apply-patch+yaml"},
                )
            except HTTPError as error:
                unknown = _UNDECLARED.findall(error.msg)
                if error.code != 500 or not unknown:
                    return f"{document['kind']} {document['metadata']['name']}: {error.msg}"
                for field in unknown:
                    document = _without(document, field)
            else:
                return ""
        return f"{document['kind']} {document['metadata']['name']}: too many unknown fields"


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _without(document: Any, path: str) -> Any:
    """A copy without a field, wherever a field of that name is at the end of such a path."""
    names = [part for part in re.sub(r"\[[^\]]*\]", "", path).split(".") if part]
    return _drop(document, names)


def _drop(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_drop(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    first, *rest = names
    if not rest:
        return {k: v for k, v in value.items() if k != first}
    return {k: _drop(v, rest) if k == first else v for k, v in value.items()}
