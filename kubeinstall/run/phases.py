"""The phases of ``kubeinstall up``, in order, in one place."""

from __future__ import annotations

from kubeinstall.phases import (
    addons,
    connect,
    control_plane,
    hosts,
    images,
    kubelets,
    network,
    packages,
    preflight,
    ready,
    runtime,
    smoke,
    verify,
    workers,
)
from kubeinstall.phases.phase import Phase

PHASES = (
    Phase("connect", "Connect to the hosts", connect.run, connects=True),
    Phase("preflight", "Run preflight checks", preflight.run),
    Phase("hosts", "Prepare the hosts", hosts.run, hosts.deploys),
    Phase(
        "runtime",
        "Install the container runtime",
        runtime.run,
        runtime.deploys,
        asks_why=True,
    ),
    Phase("packages", "Install kubelet, kubeadm and kubectl", packages.run, packages.deploys),
    Phase("images", "Pull the Kubernetes images", images.run, images.deploys),
    Phase(
        "control-plane",
        "Set up the control plane",
        control_plane.run,
        control_plane.deploys,
        needs_control_plane=True,
        asks_why=True,
    ),
    Phase(
        "workers",
        "Join the workers",
        workers.run,
        workers.deploys,
        needs_control_plane=True,
        asks_why=True,
    ),
    Phase(
        "network",
        "Set up the pod network",
        network.run,
        network.deploys,
        needs_control_plane=True,
        asks_why=True,
    ),
    Phase(
        "kubelets",
        "Configure kubelets and nodes",
        kubelets.run,
        kubelets.deploys,
        needs_control_plane=True,
        asks_why=True,
    ),
    Phase(
        "ready",
        "Wait for nodes and system pods",
        ready.run,
        needs_control_plane=True,
        planned=False,
    ),
    Phase("addons", "Apply addons", addons.run, addons.deploys, needs_control_plane=True),
    Phase("smoke", "Run the smoke test", smoke.run, needs_control_plane=True, planned=False),
    Phase("verify", "Verify the cluster", verify.run, needs_control_plane=True, planned=False),
)
