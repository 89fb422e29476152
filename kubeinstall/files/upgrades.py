"""Files that keep what upgrades or restarts by itself off the runtime and Kubernetes (pure).

Sources: /usr/share/doc/unattended-upgrades/README.md, needrestart's needrestart.conf.
"""

from __future__ import annotations

from kubeinstall.files.rendered import RenderedFile
from kubeinstall.operations.files import MARKER

_PACKAGES = (
    "^kube(let|adm|ctl)$",
    "^kubernetes-cni$",
    "^cri-",
    "^docker",
    "^containerd",
    "^runc$",
)

UNATTENDED_UPGRADES = RenderedFile(
    "/etc/apt/apt.conf.d/52kubeinstall",
    "\n".join(
        (
            f"// {MARKER}: upgrading a runtime stops the node's pods.",
            "Unattended-Upgrade::Package-Blacklist {",
            *(f'  "{pattern}";' for pattern in _PACKAGES),
            "};",
            "",
        )
    ),
)
"""Added to the user's own list: apt puts lists of the same name together."""

NEEDRESTART = RenderedFile(
    "/etc/needrestart/conf.d/kubeinstall.conf",
    f"# {MARKER}: restarting a runtime stops the node's pods.\n"
    "$nrconf{override_rc}{qr(^(docker|containerd|cri-docker|kubelet)\\.)} = 0;\n"
    "1;\n",
)
