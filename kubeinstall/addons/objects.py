"""What every object of an addon is given: its namespace, labels, and the mark of what was wanted.

Sources: Kubernetes' recommended labels; ApplySet labels of KEP-3659.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str, str, str]
"""Group, kind, namespace and name of an object."""
Scopes = Mapping[tuple[str, str], bool]
"""Whether objects of a group and kind have a namespace."""

MANAGER = "kubeinstall"
"""The field manager of server-side apply."""
ADDON_LABEL = "kubeinstall.io/addon"
APPLIED = "kubeinstall.io/applied"
"""The annotation that holds the hash of what an object was asked to be."""
PART_OF = "applyset.kubernetes.io/part-of"
SYSTEM_NAMESPACE = "kube-system"
SYSTEM_NAMESPACES = frozenset({SYSTEM_NAMESPACE, "kube-public", "kube-node-lease", "default"})

# For rendering without a cluster, and for kinds that none serves yet.
_CLUSTER_WIDE = frozenset(
    {
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("policy", "PodSecurityPolicy"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
    }
)
_ORDER = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ServiceAccount",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
)
_WITH_PORTS = ("", "apps", "batch")
_LAST = ("APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def group(document: Mapping[str, Any]) -> str:
    """The API group of an object; empty for the core group."""
    group_name, slash, _ = str(document["apiVersion"]).rpartition("/")
    return group_name if slash else ""


def apply_set(addon: str) -> str:
    """The id of an addon's ApplySet, whose parent is the ConfigMap ``parent_name``."""
    parts = f"{parent_name(addon)}.kube-system.ConfigMap."
    digest = base64.urlsafe_b64encode(hashlib.sha256(parts.encode()).digest())
    return f"applyset-{digest.decode().rstrip('=')}-v1"


def parent_name(addon: str) -> str:
    """The ConfigMap in kube-system that says what an addon has in the cluster."""
    return f"kubeinstall-addon-{addon}"


def namespace_of(name: str, pod_security: str) -> Object:
    """A namespace, with the level of pod security it enforces (pod security admission)."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {"pod-security.kubernetes.io/enforce": pod_security},
        },
    }


def scopes(documents: Iterable[Mapping[str, Any]]) -> Scopes:
    """What the CRDs among some objects say of the kinds that they define."""
    return {
        (d["spec"]["group"], d["spec"]["names"]["kind"]): d["spec"].get("scope") != "Cluster"
        for d in documents
        if d["kind"] == "CustomResourceDefinition"
    }


def finished(document: Object, addon: str, namespace: str, known: Scopes) -> Object:
    """An object as it is applied.

    Args:
        namespace: for an object that needs one and names none.
        known: kinds by the API server and by CRDs; of others it is guessed.
    """
    made = deepcopy(document)
    metadata = made.setdefault("metadata", {})
    if _has_namespace(made, known):
        metadata.setdefault("namespace", namespace)
    else:  # charts write one, which the API server does not keep
        metadata.pop("namespace", None)
    if made["kind"] == "Secret" and made["apiVersion"] == "v1":
        _encode(made)
    if group(made) in _WITH_PORTS:
        _spell_out(made)
    labels = metadata.setdefault("labels", {}) or {}
    metadata["labels"] = {
        "app.kubernetes.io/managed-by": MANAGER,
        "app.kubernetes.io/part-of": addon,
        **labels,
        PART_OF: apply_set(addon),
    }
    text = json.dumps(made, sort_keys=True)
    annotations = metadata.setdefault("annotations", {}) or {}
    digest = hashlib.sha256(text.encode()).hexdigest()
    metadata["annotations"] = {**annotations, APPLIED: digest[:16]}
    return made


def _has_namespace(document: Object, known: Scopes) -> bool:
    """Whether an object is in a namespace; a kind that nobody knows is taken by its name."""
    kind = (group(document), document["kind"])
    if kind in known:
        return known[kind]
    return kind not in _CLUSTER_WIDE and not ("." in kind[0] and kind[1].startswith("Cluster"))


def _encode(secret: Object) -> None:
    """Plain text of a Secret as what the API keeps of it."""
    plain = secret.pop("stringData", {}) or {}
    encoded = {k: base64.b64encode(str(v).encode()).decode() for k, v in plain.items()}
    if encoded:
        secret["data"] = {**(secret.get("data") or {}), **encoded}


def _spell_out(document: Any) -> None:
    """Say TCP where a port says nothing, and write quantities as text, as the API server would.

    The protocol is a part of what tells ports apart, and server-side apply before Kubernetes 1.21
    knows no default for that (kubernetes-sigs/structured-merge-diff#183), nor ``cpu: 1``.
    """
    inner = document if isinstance(document, list) else []
    if isinstance(document, dict):
        inner = list(document.values())
        for port in document.get("ports") or []:
            if isinstance(port, dict) and ({"port", "containerPort"} & port.keys()):
                port.setdefault("protocol", "TCP")
        for part in ("requests", "limits"):
            if isinstance(amounts := document.get(part), dict):
                document[part] = {name: str(amount) for name, amount in amounts.items()}
    for value in inner:
        _spell_out(value)


def order(document: Mapping[str, Any]) -> tuple[int, str, str, str]:
    """The place of an object among those of its addon: what others refer to comes first."""
    kind, metadata = document["kind"], document["metadata"]
    place = _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
    if kind in _LAST:
        place = len(_ORDER) + 1
    return place, kind, metadata.get("namespace", ""), metadata["name"]


def key(document: Mapping[str, Any]) -> Key:
    """What an object is told from all others by: group, kind, namespace, name."""
    metadata = document["metadata"]
    return group(document), document["kind"], metadata.get("namespace", ""), metadata["name"]
