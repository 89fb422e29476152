"""What an addon's templates can name, and how they are read: Jinja2, nothing undefined."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, TemplateError
from jinja2.exceptions import TemplateNotFound
from jinja2.loaders import split_template_path

from kubeinstall.addons.image_names import rewritten
from kubeinstall.findings import Finding, Kind, KubeinstallError, Place
from kubeinstall.inventory.catalogue.chosen import Chosen
from kubeinstall.inventory.catalogue.folders import OutsideError, inside
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model.cluster import DNS_INDEX
from kubeinstall.templates import environment, filled

_FAILURES = (
    *(TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError),
    *(TypeError, ValueError),
)
"""What a template can end with: whatever it calculates."""


def context(cluster: Cluster, one: Chosen) -> dict[str, Any]:
    """The names that a template of an addon can use."""
    version = cluster.version

    def image(name: str) -> str:
        return rewritten(one.release.images[name], cluster)

    def since(major: int, minor: int) -> bool:
        return (version.major, version.minor) >= (major, minor)

    return {
        "addon": one.name,
        "namespace": one.addon.file.namespace,
        "values": one.values,
        "release": {"version": one.release.version},
        "cluster": _cluster(cluster),
        "image": image,
        "since": since,
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    spec, network = cluster.spec, cluster.spec.network
    return {
        "name": spec.name,
        "kubernetes": str(cluster.version),
        "pods": str(network.pods),
        "services": str(network.services),
        "dns_domain": network.dns_domain,
        "dns_address": str(network.services[DNS_INDEX]),
        "endpoint": cluster.endpoint,
        "runtime": spec.runtime.name.value,
        "addons": list(spec.addons),
        "kube_proxy": spec.kube_proxy.mode,
        "proxy": spec.proxy.model_dump(mode="json") if spec.proxy else None,
        "hosts": [
            {
                "name": host.name,
                "hostname": host.hostname,
                "node_ip": host.node_ip,
                "control_plane": host.is_control_plane,
            }
            for host in cluster.hosts
        ],
    }


def render_file(cluster: Cluster, one: Chosen, path: str) -> str:
    """The text that a file of the addon's folder becomes.

    Args:
        path: below the addon's folder.

    Raises:
        KubeinstallError: there is no such file, or it is no template that can be filled.
    """
    environment = _environment(one.addon.folder)
    try:
        return filled(environment.get_template(path), context(cluster, one))
    except TemplateNotFound as error:
        raise _unusable(one, path, f"there is no file {error.name}") from None
    except _FAILURES as error:
        line = getattr(error, "lineno", None) or _line(error, path)
        raise _unusable(one, path, _words(error), line) from None


def render_text(cluster: Cluster, one: Chosen, text: str) -> str:
    """A text of ``addon.yaml`` with its names filled in.

    Raises:
        KubeinstallError: it is no template that can be filled.
    """
    try:
        return filled(_environment(None).from_string(text), context(cluster, one))
    except _FAILURES as error:
        raise _unusable(one, "addon.yaml", f"{_words(error)} in {text!r}") from None


class _Folder(FileSystemLoader):
    """The templates of an addon's folder, which no link leads out of."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder

    def get_source(self, environment: Environment, template: str) -> Any:
        try:
            inside(self._folder, "/".join(split_template_path(template)))
        except OutsideError as error:
            raise TemplateError(f"{template}: {error}") from None
        except OSError:
            raise TemplateNotFound(template) from None
        return super().get_source(environment, template)


@cache
def _environment(folder: Path | None) -> Environment:
    made = environment(_Folder(folder) if folder else None)
    made.filters["to_yaml"] = _to_yaml
    made.filters["to_json"] = lambda value: json.dumps(value, sort_keys=True)
    made.filters["sha256"] = lambda text: hashlib.sha256(text.encode()).hexdigest()
    return made


def _to_yaml(value: Any) -> str:
    """A value as a block of YAML, without the line break at its end."""
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=False).rstrip("\n")


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return str(error) or type(error).__name__


def _line(error: Exception, path: str) -> int | None:
    """The line of the template in which it went wrong."""
    trace, line = error.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename.endswith(f"/{path}"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _unusable(one: Chosen, path: str, why: str, line: int | None = None) -> KubeinstallError:
    return KubeinstallError(
        Finding(
            Kind.INVENTORY,
            f"addon {one.name} cannot be rendered",
            why=why,
            next=f"correct the file, then check it: kubeinstall addon render {one.name}",
            place=Place(str(one.addon.folder / path), line),
        )
    )
