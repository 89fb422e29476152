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
    Phase("preflight", "Look for what would stop the run", preflight.run),
    Phase("hosts", "Prepare the hosts", hosts.run, hosts.deploys),
    Phase(
        "runtime",
        "Install the container runtime",
        runtime.run,
        runtime.deploys,
        asks_why=True,
    ),
    Phase("packages", "Install kubelet, kubeadm, kubectl", packages.run, packages.deploys),
    Phase("images", "Pull Kubernetes' images", images.run, images.deploys),
    Phase(
        "control-plane",
        "Make the control plane",
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
        "Connect the pods",
        network.run,
        network.deploys,
        needs_control_plane=True,
        asks_why=True,
    ),
    Phase(
        "kubelets",
        "Keep kubelets and nodes as the inventory says",
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
    Phase("smoke", "Try a small app", smoke.run, needs_control_plane=True, planned=False),
    Phase("verify", "Check every host", verify.run, needs_control_plane=True, planned=False),
)
