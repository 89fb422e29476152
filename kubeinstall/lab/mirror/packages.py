"""Which packages a mirror has, and what is in each."""

from __future__ import annotations

from pathlib import Path

from kubeinstall.lab.mirror.debs import Package
from kubeinstall.lab.mirror.names import version_in
from kubeinstall.lab.mirror.programs import Programs
from kubeinstall.lab.mirror.shell import run
from kubeinstall.resources import script

KUBELET_SERVICE = """\
[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
"""

KUBEADM_DROP_IN = """\
# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# Written by "kubeadm init" and "kubeadm join": sets KUBELET_KUBEADM_ARGS.
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
# A last resort for a user's own arguments: sets KUBELET_EXTRA_ARGS.
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS \
$KUBELET_EXTRA_ARGS
"""

POSTINST = f"#!/bin/sh\n{script('lab/kubelet_postinst')}\n"

PRERM = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop kubelet.service >/dev/null || true
fi
"""

POSTRM = f"#!/bin/sh\n{script('lab/kubelet_postrm')}\n"

_KUBELET_NEEDS = (
    "iptables (>= 1.4.21)",
    "kubernetes-cni",
    "iproute2",
    "mount",
    "util-linux",
    "conntrack",
    "ebtables",
    "ethtool",
    "socat",
)


def packages(programs: Programs, cni: Path, cni_version: str) -> tuple[Package, ...]:
    """The packages of a mirror.

    Args:
        programs: Kubernetes' programs.
        cni: a folder of CNI plugins.
        cni_version: the plugins' upstream version.
    """
    made = (
        _kubelet(programs),
        _kubeadm(programs),
        _kubectl(programs),
        _cni(cni, cni_version),
    )
    if programs.has("crictl"):
        return (*made, _cri_tools(programs))
    return made


def _kubelet(programs: Programs) -> Package:
    return Package(
        name="kubelet",
        version=programs.kubernetes,
        summary="Kubernetes node agent",
        depends=_KUBELET_NEEDS,
        programs={"usr/bin/kubelet": programs.path("kubelet")},
        texts={
            "lib/systemd/system/kubelet.service": KUBELET_SERVICE,
            "etc/default/kubelet": "KUBELET_EXTRA_ARGS=\n",
        },
        scripts={"postinst": POSTINST, "prerm": PRERM, "postrm": POSTRM},
    )


def _kubeadm(programs: Programs) -> Package:
    tools = ("cri-tools",) if programs.has("crictl") else ()
    return Package(
        name="kubeadm",
        version=programs.kubernetes,
        summary="Kubernetes cluster bootstrap",
        depends=("kubelet", "kubectl", "kubernetes-cni", *tools),
        programs={"usr/bin/kubeadm": programs.path("kubeadm")},
        texts={"usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": KUBEADM_DROP_IN},
    )


def _cri_tools(programs: Programs) -> Package:
    return Package(
        name="cri-tools",
        version=version_in(run([programs.path("crictl"), "--version"])),
        summary="command line of the container runtime interface",
        programs={"usr/bin/crictl": programs.path("crictl")},
    )


def _kubectl(programs: Programs) -> Package:
    return Package(
        name="kubectl",
        version=programs.kubernetes,
        summary="Kubernetes command line",
        programs={"usr/bin/kubectl": programs.path("kubectl")},
    )


def _cni(folder: Path, version: str) -> Package:
    plugins = sorted(path for path in folder.iterdir() if path.is_file())
    return Package(
        name="kubernetes-cni",
        version=version,
        summary="CNI plugins of a Kubernetes node",
        depends=("libc6 (>= 2.34)",),
        programs={f"opt/cni/bin/{plugin.name}": plugin for plugin in plugins},
    )
