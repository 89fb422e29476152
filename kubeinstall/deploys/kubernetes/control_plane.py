"""The first control plane: kubeadm init, its parts put back, and kubeconfigs on the host."""

from __future__ import annotations

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys.inputs import Inputs
from kubeinstall.deploys.kubernetes import kubelet
from kubeinstall.facts.control_plane import FILES, ControlPlane, ControlPlaneState, ours
from kubeinstall.facts.files import File, FileState
from kubeinstall.files import (
    kubeadm as kubeadm_files,
)
from kubeinstall.files import (
    proxy as proxy_files,
)
from kubeinstall.files.control_plane import documents_in_use, question, wanted
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations import control_plane, kubeadm
from kubeinstall.operations.control_plane_decision import (
    Decision,
    decide,
)
from kubeinstall.operations.proxy import pod_proxies


def _in_use(cluster: Cluster) -> str | None:
    state: ControlPlaneState = host.get_fact(ControlPlane, **question(cluster))
    noted: FileState | None = host.get_fact(File, path=kubeadm_files.CONFIG)
    return documents_in_use(cluster, state.configuration, (noted.text if noted else "") or "")


def _decision(cluster: Cluster, in_use: str | None) -> Decision:
    state = host.get_fact(ControlPlane, **question(cluster))
    return decide(state, wanted(cluster, in_use))


@deploy("control plane")
def init(inputs: Inputs | None = None) -> None:
    """Make the control plane; of one that has been up, put back what lacks on the disk."""
    inputs = inputs or Inputs.plain()
    cluster = inputs.cluster
    in_use = _in_use(cluster)
    decision = _decision(cluster, in_use)
    kubelet.place_patch(cluster, inputs.host)
    in_file = kubeadm_files.skip_phases_in_file(cluster)
    environment = proxy_files.kubeadm_environment_file(cluster)
    phases = tuple(kubeadm_files.init_skip_phases(cluster))
    kubeadm.init(
        name="Initialize the control plane with kubeadm",
        decision=decision,
        config=kubeadm_files.init_config(cluster),
        path=kubeadm_files.CONFIG,
        version=str(cluster.version),
        cri_socket=kubeadm_files.cri_socket(cluster),
        port=kubeadm_files.api_port(cluster),
        skip_phases=() if in_file else phases,
        made=tuple(file for part in ours(FILES, phases) for file in FILES[part]),
        environment=environment,
    )
    kubeadm.kubelet_running(name="Run the kubelet")
    control_plane.put_back(
        name=_title(decision),
        decision=decision,
        config=in_use,
        environment=environment,
    )


def _title(decision: Decision) -> str:
    words = [f"Restore {control_plane.titles(decision.parts)}"] if decision.parts else []
    words += [f"renew {control_plane.titles(decision.expired)}"] if decision.expired else []
    said = "; ".join(words) or "Wait for the API server"
    return said[0].upper() + said[1:]


@deploy("cluster")
def complete(inputs: Inputs | None = None) -> None:
    """Put back what init makes in the cluster; give root, and the login of ssh, a kubeconfig."""
    inputs = inputs or Inputs.plain()
    cluster = inputs.cluster
    in_use = _in_use(cluster)
    decision = _decision(cluster, in_use)
    environment = proxy_files.kubeadm_environment_file(cluster)
    objects = control_plane.titles(decision.objects)
    control_plane.complete(
        name=f"Restore {objects}" if objects else "Restore kubeadm's objects",
        decision=decision,
        config=in_use,
        environment=environment,
    )
    pod_proxies(
        name="Apply the proxy settings to the control plane",
        wanted=proxy_files.kubeadm_environment(cluster),
        config=in_use,
        environment=environment,
        kube_proxy=cluster.spec.kubeadm.installs("kube-proxy"),
    )
    for user in dict.fromkeys(("root", inputs.host.ssh.user)):
        kubeadm.kubeconfig(name=f"Write {user}'s kubeconfig", user=user)
