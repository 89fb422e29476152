"""Each node's kubelet, with the settings that the inventory has for it."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys import inputs
from kubeinstall.facts.files import Exists, File
from kubeinstall.facts.services import Unit
from kubeinstall.files import kubelet as files
from kubeinstall.inventory.model import Cluster, Document, Host, NetworkPlugin
from kubeinstall.operations.commands import operation_id
from kubeinstall.operations.files import Holds, absent_file, managed_file
from kubeinstall.operations.kubelet import STATES, UNIT, another_policy, configured

ANOTHER_POLICY = operation_id(another_policy)
"""The operation that a node is drained for."""
_POLICIES = ("cpuManagerPolicy", "memoryManagerPolicy")


def place_patch(cluster: Cluster, node: Host) -> None:
    """The host's own settings, where kubeadm finds them."""
    text = files.patch(cluster, node)
    title = "Write the host's kubelet settings for kubeadm"
    if text:
        managed_file(path=files.PATCH, content=text, holds=Holds.SECRETS, name=title)
    elif files.patches_possible(cluster):
        absent_file(path=files.PATCH, name=title)


@dataclass(frozen=True)
class Inputs(inputs.Inputs):
    """The inputs of ``configure``.

    Args:
        config: the configuration that all kubelets share; None: no cluster could be asked.
        socket: of the runtime that the node should have; empty: that of the one that it has.
    """

    config: Document | None = None
    socket: str = ""


@deploy("kubelet")
def configure(inputs: Inputs | None = None) -> None:
    """The kubelet's configuration and flags, and it runs with them."""
    inputs = inputs or Inputs.plain()
    cluster, node, base = inputs.cluster, inputs.host, inputs.config
    old = host.get_fact(File, path=files.CONFIG)
    env = host.get_fact(File, path=files.FLAGS)
    instance = host.get_fact(File, path=files.INSTANCE)
    # What the operation asks for, as far as it can be told: so all is read at once.
    host.get_fact(Unit, unit=UNIT, configs=(files.CONFIG, files.FLAGS))
    for path in STATES:
        host.get_fact(Exists, path=path)
    if not base or old is None or env is None:
        return
    found, flags = files.document(old.text), files.flags(env.text or "")
    local = files.document(instance.text if instance else "")
    socket = inputs.socket or files.socket_of(flags, local)
    url = files.as_url(socket) if instance else None
    wanted = files.configuration(base, node, url)
    wanted_flags = files.wanted_flags(cluster, node, flags, socket, in_config=instance is not None)
    texts = {
        files.CONFIG: (old.text or "") if wanted == found else files.dumped(wanted),
        files.FLAGS: (env.text or "") if wanted_flags == flags else files.flags_text(wanted_flags),
    }
    if instance and url:
        told = {**local, "containerRuntimeEndpoint": url}
        texts[files.INSTANCE] = (instance.text or "") if told == local else files.dumped(told)
    policy = any(found.get(key) != wanted.get(key) for key in _POLICIES)
    title = "Configure the kubelet"
    operation = another_policy if policy else configured
    operation(
        files=texts,
        node=node.hostname,
        what=(
            *files.changed_fields(found, wanted),
            *(f"--{change}" for change in files.changed_fields(flags, wanted_flags)),
        ),
        networked=cluster.spec.network.plugin is not NetworkPlugin.NONE,
        name=f"{title} with another CPU or memory policy" if policy else title,
    )
