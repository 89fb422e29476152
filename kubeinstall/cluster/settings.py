"""The settings that a running cluster was made with, as kubeadm has noted them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, TypeVar

from kubeinstall.facts.values import document, ipv4_network, line, number
from kubeinstall.files import kubelet as kubelet_files
from kubeinstall.releases import Version, version_in

KUBEADM = "kubeadm-config"
PROXY = "kube-proxy"
"""The ConfigMaps in kube-system with what kubeadm and kube-proxy were given."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """What cannot be changed by writing another value into the inventory.

    A value that the cluster does not tell, or that does not fit its type, is None.

    Args:
        version: of the API server that answered.
        cni: the names of the CNI configuration files of the control plane.
        block_size: prefix length of the blocks of Calico's pool.
    """

    version: Version | None = None
    name: str | None = None
    endpoint: str | None = None
    pods: IPv4Network | None = None
    services: IPv4Network | None = None
    dns_domain: str | None = None
    image_repository: str | None = None
    dns_repository: str | None = None
    cert_sans: frozenset[str] | None = None
    feature_gates: Mapping[str, bool] | None = None
    certificate_validity: str | None = None
    proxy: Mapping[str, Any] | None = None
    proxy_mode: str | None = None
    cni: frozenset[str] = frozenset()
    block_size: int | None = None

    @classmethod
    def parse(
        cls, maps: Mapping[str, Any], version: str = "", cni: str = "", block_size: str = ""
    ) -> Settings:
        """Read what the cluster says.

        Args:
            maps: ConfigMaps by name.
            version: the API server's answer to ``/version``.
            cni: file names, one a line.
            block_size: of Calico's pool; empty without one.
        """
        noted = _data(maps.get(KUBEADM), "ClusterConfiguration")
        proxy = _data(maps.get(PROXY), "config.conf")
        networking = _map(noted.get("networking"))
        sans = _map(noted.get("apiServer")).get("certSANs")
        gates = _map(noted.get("featureGates"))
        rest = {
            "cni": frozenset(name for name in cni.split("\n") if _text(name)),
            "block_size": _good(number, block_size.strip()),
            **_proxy(proxy),
        }
        if not noted:
            return cls(_version(version), **rest)
        return cls(
            version=_version(version),
            name=_text(noted.get("clusterName")),
            endpoint=_text(noted.get("controlPlaneEndpoint")),
            pods=_network(networking.get("podSubnet")),
            services=_network(networking.get("serviceSubnet")),
            dns_domain=_text(networking.get("dnsDomain")),
            image_repository=_text(noted.get("imageRepository")),
            dns_repository=_text(_map(noted.get("dns")).get("imageRepository")),
            cert_sans=frozenset(filter(None, map(_text, sans if isinstance(sans, list) else []))),
            feature_gates={str(k): v for k, v in gates.items() if isinstance(v, bool)},
            certificate_validity=_text(noted.get("certificateValidityPeriod")),
            **rest,
        )


def _proxy(found: Mapping[str, Any]) -> dict[str, Any]:
    """kube-proxy's configuration and its mode; an empty mode is iptables, on Linux."""
    if not found:
        return {"proxy": None, "proxy_mode": None}
    return {"proxy": found, "proxy_mode": _text(found.get("mode") or "iptables")}


def _data(config_map: Any, key: str) -> Mapping[str, Any]:
    text = _map(_map(config_map).get("data")).get(key)
    return kubelet_files.document(text) if isinstance(text, str) else {}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return _good(line, value) if isinstance(value, str) and value else None


def _network(value: Any) -> IPv4Network | None:
    return _good(ipv4_network, value)


def _version(text: str) -> Version | None:
    said = _good(document, text) or {}
    return _good(version_in, str(said.get("gitVersion", "")))


def _good(read: Callable[[Any], _T], value: Any) -> _T | None:
    """A value of the form it should have; None: it has another one."""
    try:
        return read(value)
    except ValueError:
        return None
