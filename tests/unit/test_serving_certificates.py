"""The certificates that kubelets show: a request is approved for what is its node's own only."""

from __future__ import annotations

import base64
import ipaddress
import json
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kubeinstall.deploys.kubernetes.serving_certificates import owner
from kubeinstall.engine.types import Output
from kubeinstall.facts.serving_certificates import ServingRequest, ServingRequests, pending
from kubeinstall.inventory.model import Cluster, Kubelet
from kubeinstall.phases.kubelets import serving_certificates as approving
from tests.unit.clusters import cluster
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit

# Of a kubelet 1.36.2, node cp1 with the address 10.86.0.11.
RECORDED = """\
-----BEGIN CERTIFICATE REQUEST-----
MIIBEzCBugIBADAxMRUwEwYDVQQKEwxzeXN0ZW06bm9kZXMxGDAWBgNVBAMTD3N5
c3RlbTpub2RlOmNwMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJk6MV4Dx5uc
0syVLJJ+Lz9tiwowP/HbPdLWtSEKsgb3DAjs4J7pGxTjbuMY5qaCnAFYXmVulN6H
oBveiocvVyqgJzAlBgkqhkiG9w0BCQ4xGDAWMBQGA1UdEQQNMAuCA2NwMYcEClYA
CzAKBggqhkjOPQQDAgNIADBFAiEA8H8aW7eHLijTgJZGfaOPzEQlZpmeiUWdj+Pr
9UmyQGoCIBJf2NsKq3uAwpEx7RB9BROPmwrfB4G+xbK+OpXF8SZ+
-----END CERTIFICATE REQUEST-----
"""
USAGES = ("digital signature", "server auth")


def asking() -> Cluster:
    """Hosts whose kubelets ask for the certificate that they show."""
    plain = cluster()
    kubelet = Kubelet(config={"serverTLSBootstrap": True})
    hosts = tuple(h.model_copy(update={"kubelet": kubelet}) for h in plain.hosts)
    return Cluster(spec=plain.spec, hosts=hosts)


def signed(common_name: str, *names: x509.GeneralName, group: str = "system:nodes") -> str:
    """A certificate request as a kubelet makes it."""
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, group),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def dns(name: str) -> x509.GeneralName:
    return x509.DNSName(name)


def ip(address: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(address))


def w1(*names: x509.GeneralName, **more: Any) -> ServingRequest:
    pem = signed("system:node:w1", *(names or (dns("w1"), ip("10.0.0.11"))))
    return replace(ServingRequest("csr-1", "system:node:w1", USAGES, pem), **more)


def test_a_kubelets_own_request_is_recognised() -> None:
    [cp1] = [h for h in cluster().hosts if h.name == "cp1"]
    lab = cp1.model_copy(update={"node_ip": "10.86.0.11", "address": "10.86.0.11"})
    found = owner(ServingRequest("csr-1", "system:node:cp1", USAGES, RECORDED), [lab])
    assert found is lab
    mine = owner(w1(), cluster().hosts)
    assert mine
    assert mine.name == "w1"


@pytest.mark.parametrize(
    "request_",
    [
        w1(requestor="system:node:w9"),
        w1(requestor="system:node:w2"),
        w1(requestor="kubernetes-admin"),
        w1(dns("w1"), ip("10.0.0.10")),
        w1(dns("w1"), dns("cp1")),
        w1(dns("w1"), x509.RFC822Name("a@example.org")),
        w1(usages=("client auth",)),
        w1(pem="junk"),
        w1(pem=signed("system:node:w1")),
        w1(pem=signed("system:node:w1", dns("w1"), group="system:masters")),
    ],
    ids=[
        *("unknown node", "another's name", "a person", "another's address", "two names"),
        *("mail", "to log in with", "junk", "no name", "another group"),
    ],
)
def test_nothing_else_is_approved(request_: ServingRequest) -> None:
    assert owner(request_, cluster().hosts) is None


def listed(*requests: tuple[ServingRequest, str]) -> str:
    """kubectl's answer: requests, each with its condition or none."""
    items = [
        {
            "metadata": {"name": r.name},
            "spec": {
                "username": r.requestor,
                "usages": list(r.usages),
                "request": base64.b64encode(r.pem.encode()).decode(),
            },
            "status": {"conditions": [{"type": said}]} if said else {},
        }
        for r, said in requests
    ]
    return json.dumps({"items": items})


def test_what_is_answered_is_not_asked_again() -> None:
    answered = w1(name="csr-2")
    assert pending(listed((w1(name="csr-3"), ""), (answered, "Approved")))[0].name == "csr-3"
    assert len(pending(listed((answered, "Denied")))) == 0
    assert ServingRequests().process(["The connection was refused"]) == []


def test_a_kubelet_that_has_just_started_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = chain([listed(), listed()], repeat(listed((w1(), ""))))

    def answer(host: str, command: str) -> Output:
        if "get csr" in command:
            return Output(0, next(answers), "")
        return Output(0, "" if host == "w1" else "yes\n", "")

    monkeypatch.setattr(
        "kubeinstall.phases.kubelets.serving_certificates.time.sleep", lambda _: None
    )
    run, session, memory = played_run(asking(), answer=answer)
    session.connect()
    # Before anything is changed the facts of all phases are read; there is no request yet.
    session.prefetch({"cp1": [approving.approval(run)]})
    run.changed = True
    approving.approve(run)
    assert memory.waits == ["the kubelet of w1 has not requested its serving certificate yet"]
    (approved,) = session.did
    assert approved[0] == "cp1"
    assert f"certificate approve {w1().name}" in approved[1]
    assert memory.notes == []


def test_nothing_is_asked_where_nothing_was_changed() -> None:
    run, session, _ = played_run(asking())
    session.connect()
    approving.approve(run)
    assert session.questions == []
    assert session.rounds == [("kubelets", ["cp1"], False)]
    run, session, _ = played_run(cluster())
    session.connect()
    run.changed = True
    approving.approve(run)
    assert session.questions == []
    assert session.rounds == []
