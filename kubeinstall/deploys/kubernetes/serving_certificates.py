"""The certificates that kubelets show: whose requests are approved, on a control plane.

The cluster's controller approves the client certificates of kubelets, but nobody approves those
they serve with (Kubernetes' "Kubelet authentication/authorization" and "Certificate Signing
Requests"): it cannot know which names and addresses are a node's. The inventory does.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys.inputs import Inputs
from kubeinstall.facts.serving_certificates import ServingRequest, ServingRequests
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.operations.nodes import requests_approved

_USAGES = {"digital signature", "key encipherment", "server auth"}


def serving(cluster: Cluster) -> list[Host]:
    """The hosts whose kubelets ask the cluster for the certificate that they show."""
    return [h for h in cluster.hosts if h.kubelet.fields.get("serverTLSBootstrap") is True]


def owner(request: ServingRequest, hosts: Iterable[Host]) -> Host | None:
    """The host that a request is from, if all that it asks for is that host's own.

    The API server vouches for the requestor; names and addresses are compared here, so that no node
    gets a certificate with those of another.
    """
    named = {f"system:node:{h.hostname}": h for h in hosts}
    node = named.get(request.requestor)
    if node is None or not set(request.usages) <= _USAGES:
        return None
    try:
        asked = x509.load_pem_x509_csr(request.pem.encode())
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return None
    addresses = {str(a) for a in names.get_values_for_type(x509.IPAddress)}
    others = len(names) - len(addresses) - len(names.get_values_for_type(x509.DNSName))
    own = (
        set(names.get_values_for_type(x509.DNSName)) <= {node.hostname}
        and addresses <= {node.node_ip, node.address}
        and not others
        and asked.subject.rfc4514_string() == f"CN={request.requestor},O=system:nodes"
    )
    return node if own else None


@deploy("serving certificates")
def serving_certificates(inputs: Inputs | None = None) -> None:
    """Approve what the inventory's kubelets ask for; other requests are left alone."""
    inputs = inputs or Inputs.plain()
    hosts = serving(inputs.cluster)
    approved: dict[str, list[str]] = {}
    for request in host.get_fact(ServingRequests) if hosts else ():
        if node := owner(request, hosts):
            approved.setdefault(node.name, []).append(request.name)
    for name, requests in approved.items():
        title = f"Approve the serving certificate of {name}'s kubelet"
        requests_approved(requests=requests, name=title)
