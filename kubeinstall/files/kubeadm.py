"""kubeadm's configuration documents, for every configuration API (pure).

Source: kubeadm Configuration v1beta2, v1beta3 and v1beta4 (kubernetes.io, reference,
config-api), KubeletConfiguration v1beta1, KubeProxyConfiguration v1alpha1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

import yaml

from kubeinstall.documents import merged
from kubeinstall.files import kubelet as kubelet_files
from kubeinstall.files import network as network_files
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.model import (
    Args,
    Cluster,
    Document,
    Host,
    NetworkPlugin,
    RuntimeName,
    Taint,
)

CONFIG = "/etc/kubernetes/kubeinstall/kubeadm.yaml"

HEADER = "# Managed by kubeinstall: written when kubeadm init runs.\n"
# Phases of init that a worker's join has as well, in every version; it refuses names of others.
_JOIN_PHASES = frozenset({"preflight", "kubelet-start"})


def init_config(cluster: Cluster) -> str:
    """The documents for ``kubeadm init`` on the first control plane, as YAML."""
    documents = (
        init_configuration(cluster),
        cluster_configuration(cluster),
        kubelet_configuration(cluster),
        kube_proxy_configuration(cluster),
    )
    return HEADER + yaml.safe_dump_all(documents, sort_keys=False)


def images_config(cluster: Cluster, host: Host) -> str:
    """The documents by which ``kubeadm config images list`` names a cluster's images, as YAML.

    Without the socket and the address kubeadm would look for them on the host.
    """
    api = cluster.release.kubeadm_api
    init: Document = {
        "apiVersion": api,
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": host.node_ip},
        "nodeRegistration": {"name": host.hostname, "criSocket": cri_socket(cluster)},
    }
    return yaml.safe_dump_all((init, cluster_configuration(cluster)), sort_keys=False)


def join_config(cluster: Cluster, host: Host, token: str, ca_hash: str) -> str:
    """The document for ``kubeadm join`` of a worker, as YAML. It holds the token: a secret.

    Args:
        token: a bootstrap token, ``abcdef.0123456789abcdef``.
        ca_hash: ``sha256:`` and the hex digest of the CA's public key.
    """
    document: Document = {
        "apiVersion": cluster.release.kubeadm_api,
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {
                "token": token,
                "apiServerEndpoint": cluster.endpoint,
                "caCertHashes": [ca_hash],
            },
        },
        "nodeRegistration": node_registration(cluster, host),
        **_patches(cluster, host),
    }
    phases = join_skip_phases(cluster)
    if phases and skip_phases_in_file(cluster):
        document["skipPhases"] = phases
    return yaml.safe_dump(document, sort_keys=False)


def init_configuration(cluster: Cluster) -> Document:
    """InitConfiguration."""
    host = cluster.first
    ttl = cluster.spec.kubeadm.token_ttl
    document: Document = {
        "apiVersion": cluster.release.kubeadm_api,
        "kind": "InitConfiguration",
        "bootstrapTokens": [
            {
                "ttl": "0s" if ttl == "0" else ttl,
                "usages": ["signing", "authentication"],
                "groups": ["system:bootstrappers:kubeadm:default-node-token"],
            }
        ],
        "localAPIEndpoint": {
            "advertiseAddress": host.node_ip,
            "bindPort": api_port(cluster),
        },
        "nodeRegistration": node_registration(cluster, host),
        **_patches(cluster, host),
    }
    phases = init_skip_phases(cluster)
    if phases and skip_phases_in_file(cluster):
        document["skipPhases"] = phases
    return document


def api_port(cluster: Cluster) -> int:
    """The port that the API server listens on.

    An endpoint with an address of its own is a load balancer: only there is its port.
    """
    endpoint = cluster.spec.endpoint
    return endpoint.port if endpoint and endpoint.host == cluster.first.node_ip else 6443


def cluster_configuration(cluster: Cluster) -> Document:
    """ClusterConfiguration."""
    kubeadm = cluster.spec.kubeadm
    network = cluster.spec.network
    document: Document = {
        "apiVersion": cluster.release.kubeadm_api,
        "kind": "ClusterConfiguration",
        "clusterName": cluster.spec.name,
        "kubernetesVersion": f"v{cluster.version}",
        "imageRepository": cluster.image_repository,
        "controlPlaneEndpoint": cluster.endpoint,
        "networking": {
            "podSubnet": str(network.pods),
            "serviceSubnet": str(network.services),
            "dnsDomain": network.dns_domain,
        },
    }
    api_server: Document = {}
    if names := cert_sans(cluster):
        api_server["certSANs"] = names
    _put_args(cluster, api_server, kubeadm.api_server_args)
    etcd: Document = {}
    _put_args(cluster, etcd, kubeadm.etcd_args)
    manager: Document = {}
    _put_args(cluster, manager, kubeadm.controller_manager_args)
    scheduler: Document = {}
    _put_args(cluster, scheduler, kubeadm.scheduler_args)
    for key, value in (
        ("apiServer", api_server),
        ("controllerManager", manager),
        ("scheduler", scheduler),
        ("etcd", {"local": etcd} if etcd else {}),
        ("dns", {"imageRepository": cluster.dns_repository} if cluster.dns_repository else {}),
        ("featureGates", dict(kubeadm.feature_gates)),
        ("certificateValidityPeriod", kubeadm.certificate_validity),
    ):
        if value:
            document[key] = value
    return document


def cert_sans(cluster: Cluster) -> list[str]:
    """What is in the API server's certificate beside what kubeadm puts there by itself.

    Where ssh reaches a control plane, kubectl may as well; its node IP is there already.
    """
    reached = [
        host.address
        for host in cluster.control_planes
        if host.address != host.node_ip and not ip_address(host.address).is_loopback
    ]
    return list(dict.fromkeys([*cluster.spec.kubeadm.cert_sans, *reached]))


def node_registration(cluster: Cluster, host: Host) -> Document:
    """NodeRegistrationOptions of a host."""
    arguments: Args = {"node-ip": host.node_ip}
    document: Document = {
        "name": host.hostname,
        "criSocket": cri_socket(cluster),
        "kubeletExtraArgs": extra_args(cluster, {**arguments, **host.kubelet.extra_args}),
    }
    if host.taints is not None:
        document["taints"] = [_taint(taint) for taint in host.taints]
    if cluster.spec.kubeadm.ignore_preflight_errors:
        document["ignorePreflightErrors"] = list(cluster.spec.kubeadm.ignore_preflight_errors)
    return document


def kubelet_configuration(cluster: Cluster) -> Document:
    """KubeletConfiguration: kubeadm has one for the cluster: what all hosts share."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        **kubelet_files.cluster_settings(cluster),
    }


def _patches(cluster: Cluster, host: Host) -> Document:
    if kubelet_files.patch(cluster, host) is None:
        return {}
    return {"patches": {"directory": kubelet_files.PATCHES}}


def kube_proxy_configuration(cluster: Cluster) -> Document:
    """KubeProxyConfiguration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        **merged({"mode": cluster.spec.kube_proxy.mode}, cluster.spec.kube_proxy.config),
    }


def cri_socket(cluster: Cluster) -> str:
    """The runtime's socket as kubeadm of that version writes it: a URL from 1.24 on."""
    if cluster.spec.runtime.name is RuntimeName.DOCKER:
        if cluster.release.dockershim:
            return "/var/run/dockershim.sock"
        return "unix:///run/cri-dockerd.sock"
    socket = "/run/containerd/containerd.sock"
    return socket if cluster.release.dockershim else f"unix://{socket}"


def skip_phases_in_file(cluster: Cluster) -> bool:
    """Whether the API has ``skipPhases``; v1beta2 has only the flag."""
    return not cluster.release.kubeadm_api.endswith("v1beta2")


def init_skip_phases(cluster: Cluster) -> list[str]:
    """The phases of ``kubeadm init`` to skip."""
    return list(cluster.spec.kubeadm.skip_phases)


def join_skip_phases(cluster: Cluster) -> list[str]:
    """The phases of ``kubeadm join`` to skip."""
    return [phase for phase in cluster.spec.kubeadm.skip_phases if phase in _JOIN_PHASES]


def extra_args(cluster: Cluster, arguments: Mapping[str, Any]) -> Any:
    """Extra arguments in the API's form: a list of name and value from v1beta4, else a map."""
    texts = {name: _text(value) for name, value in arguments.items()}
    if cluster.release.list_args:
        return [{"name": name, "value": value} for name, value in texts.items()]
    return texts


def _put_args(cluster: Cluster, component: Document, arguments: Args) -> None:
    if arguments:
        component["extraArgs"] = extra_args(cluster, arguments)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _taint(taint: Taint) -> Document:
    value = {"value": taint.value} if taint.value else {}
    return {"key": taint.key, **value, "effect": taint.effect}


def files(cluster: Cluster, host: Host) -> Iterator[RenderedFile]:
    """The files of kubeadm and the pod network; a node's share of it is known only to a cluster.

    The share is written as the cluster would allot it to nodes that join in the file's order.
    """
    if host.name == cluster.first.name:
        yield RenderedFile(CONFIG, init_config(cluster), "600")
    yield from kubelet_files.files(cluster, host)
    if cluster.spec.network.plugin is NetworkPlugin.BRIDGE:
        shares = cluster.spec.network.pods.subnets(new_prefix=24)
        pods = {node.hostname: share for node, share in zip(cluster.hosts, shares, strict=False)}
        addresses = {node.hostname: node.node_ip for node in cluster.hosts}
        routes = network_files.routes(host.hostname, pods, addresses)
        yield RenderedFile(network_files.CONFLIST, network_files.conflist(pods[host.hostname]))
        yield RenderedFile(network_files.SCRIPT, network_files.script(cluster, routes), "755")
        yield RenderedFile(network_files.UNIT_FILE, network_files.unit())
