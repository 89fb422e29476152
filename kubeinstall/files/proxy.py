"""What hosts get to go through a proxy: pure functions of the inventory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from kubeinstall.facts.proxy import SERVICES_ENV
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster, Proxy
from kubeinstall.inventory.no_proxy import covered
from kubeinstall.operations.files import MARKER
from kubeinstall.releases.package_sources import PackageFormat

KUBEADM_ENV = "/etc/kubeinstall/kubeadm-proxy.env"
APT_CONF = "/etc/apt/apt.conf.d/95kubeinstall-proxy"
"""Sorts late: apt takes the last one of a setting."""
SERVICES = ("containerd", "docker", "kubelet")
_LINK_LOCAL = "169.254.0.0/16"
"""Metadata of clouds is there, and never behind a proxy."""
_MASK = "********"


def drop_in(service: str) -> str:
    """Where systemd is told of the environment of a service."""
    return f"/etc/systemd/system/{service}.service.d/kubeinstall-proxy.conf"


def configs(service: str) -> tuple[str, ...]:
    """What a service has read when it started.

    The drop-in's folder tells of a drop-in that was removed as well.
    """
    return SERVICES_ENV, str(PurePosixPath(drop_in(service)).parent)


def services(cluster: Cluster) -> tuple[str, ...]:
    """The services that go through a proxy: the runtime, and the kubelet for what it starts."""
    return (cluster.spec.runtime.name.value, "kubelet") if cluster.spec.proxy else ()


def environment_file(cluster: Cluster) -> str:
    """What a command that pulls images has to read first; empty without a proxy."""
    return SERVICES_ENV if cluster.spec.proxy else ""


def kubeadm_environment_file(cluster: Cluster) -> str:
    """What kubeadm has to read first; empty without a proxy for it."""
    return KUBEADM_ENV if kubeadm_environment(cluster) else ""


def kubeadm_environment(cluster: Cluster) -> dict[str, str]:
    """kubeadm's environment, which it hands on to the control plane's pods.

    Whoever may read those pods reads their variables, so a proxy with a login is none of them:
    kubeadm itself asks nothing of the outside, as it is told an exact version.
    """
    proxy = cluster.spec.proxy
    if proxy is None or proxy.secret:
        return {}
    return _environment(proxy, no_proxy(cluster, nodes=True))


def services_environment(cluster: Cluster) -> dict[str, str]:
    """The environment of runtime and kubelet; holds secrets.

    They talk to registries and to the endpoint, not to single nodes: so a node that is added
    restarts no runtime.
    """
    proxy = cluster.spec.proxy
    return _environment(proxy, no_proxy(cluster, nodes=False)) if proxy else {}


def no_proxy(cluster: Cluster, *, nodes: bool) -> list[str]:
    """What is reached without the proxy, in the form of NO_PROXY that Go knows.

    Source: pkg.go.dev/golang.org/x/net/http/httpproxy.

    Args:
        nodes: with the names and addresses of all nodes.
    """
    network = cluster.spec.network
    given = list(cluster.spec.proxy.no_proxy) if cluster.spec.proxy else []
    endpoint = cluster.endpoint.rpartition(":")[0]
    wide = [str(network.services), str(network.pods), ".svc", f".{network.dns_domain}", *given]
    every = [host for host in cluster.members if nodes]
    single = [endpoint, *(host.node_ip for host in every), *(host.address for host in every)]
    single += [name for host in every for name in (host.hostname, host.name)]
    lone = [one for one in single if not covered(one, wide)]
    return list(dict.fromkeys(["localhost", "127.0.0.0/8", _LINK_LOCAL, *lone, *wide]))


def ways(cluster: Cluster, targets: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Where a host connects to for these hosts and ports: to the proxy, unless past it."""
    if cluster.spec.proxy is None:
        return list(targets)
    past = no_proxy(cluster, nodes=True)
    direct = [target for target in targets if covered(target[0], past)]
    return list(dict.fromkeys([*through(cluster), *direct]))


def through(cluster: Cluster) -> list[tuple[str, int]]:
    """Host and port of the proxies."""
    urls = cluster.spec.proxy.urls if cluster.spec.proxy else {}
    parts = [urlsplit(url) for url in urls.values()]
    usual = {"http": 80, "https": 443}
    return [(part.hostname or "", part.port or usual[part.scheme]) for part in parts]


def apt_conf(cluster: Cluster, proxy: Proxy) -> str:
    """apt's proxy (apt.conf(5), apt-transport-http(1)); holds secrets."""
    lines = [f"// {MARKER}.", 'Acquire::http::Proxy-Auto-Detect "";']
    past = no_proxy(cluster, nodes=True)
    # apt knows neither networks nor domains: its own sources are looked at one by one.
    names = [entry for entry in past if "/" not in entry and not entry.startswith(("*", "."))]
    source = urlsplit(cluster.origin.base).hostname or ""
    names += [source] if covered(source, past) else []
    for scheme, url in proxy.urls.items():
        lines.append(f'Acquire::{scheme}::Proxy "{url}";')
        direct = dict.fromkeys(name.partition(":")[0] for name in names)
        lines += [f'Acquire::{scheme}::Proxy::{name} "DIRECT";' for name in direct]
    return "\n".join([*lines, ""])


def dnf_settings(proxy: Proxy) -> dict[str, str]:
    """dnf's proxy, as ``[main]`` of dnf.conf has it (dnf.conf(5)): one for all; holds secrets."""
    urls = proxy.urls
    parts = urlsplit(urls.get("https") or urls["http"])
    settings = {"proxy": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"}
    if parts.username:
        settings["proxy_username"] = unquote(parts.username)
        settings["proxy_password"] = unquote(parts.password or "")
    return settings


def env_file(environment: Mapping[str, str]) -> str:
    """Variables in a form that both systemd and a shell read."""
    return "\n".join([f"# {MARKER}.", *(f"{k}='{v}'" for k, v in environment.items()), ""])


def unit() -> str:
    """The drop-in: the variables are in a file of root's, for `systemctl show` is for everyone."""
    return f"# {MARKER}.\n[Service]\nEnvironmentFile={SERVICES_ENV}\n"


def files(cluster: Cluster, packages: PackageFormat) -> Iterable[RenderedFile]:
    """The files of a host; logins are left out, and so is what dnf's own file gets."""
    if cluster.spec.proxy is None:
        return
    shown = _without_logins(cluster)
    proxy = shown.spec.proxy
    assert proxy is not None
    mode = "600" if cluster.spec.proxy.secret else "644"
    if packages is PackageFormat.DEB:
        yield RenderedFile(APT_CONF, apt_conf(shown, proxy), mode)
    yield RenderedFile(SERVICES_ENV, env_file(services_environment(shown)), mode)
    if environment := kubeadm_environment(cluster):
        yield RenderedFile(KUBEADM_ENV, env_file(environment))
    for service in services(cluster):
        yield RenderedFile(drop_in(service), unit())


def _without_logins(cluster: Cluster) -> Cluster:
    proxy = cluster.spec.proxy
    urls = proxy.urls if proxy else {}
    masked = {key: re.sub(r"//[^@/]*@", f"//{_MASK}@", url) for key, url in urls.items()}
    past = proxy.no_proxy if proxy else []
    plain = Proxy.model_validate({**masked, "no_proxy": past})
    spec = cluster.spec.model_copy(update={"proxy": plain})
    return Cluster(
        spec=spec, hosts=cluster.hosts, lab=cluster.lab, inventory_file=cluster.inventory_file
    )


def _environment(proxy: Proxy, past: list[str]) -> dict[str, str]:
    found = {f"{scheme.upper()}_PROXY": url for scheme, url in proxy.urls.items()}
    return {**found, "NO_PROXY": ",".join(past)}
