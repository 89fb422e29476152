"""The hosts of lab.yaml for the plain pyinfra command; KUBEINSTALL_INVENTORY names another file.

pyinfra inventories/lab.py kubeinstall.deploys.hosts.prepare
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kubeinstall.inventory.load import load
from kubeinstall.inventory.model import Host

_default = Path(__file__).with_name("lab.yaml")
_cluster = load(Path(os.environ.get("KUBEINSTALL_INVENTORY", _default)))


def _data(host: Host) -> dict[str, Any]:
    ssh = host.ssh
    data: dict[str, Any] = {
        "cluster": _cluster,
        "node": host,
        "ssh_hostname": host.address,
        "ssh_port": ssh.port,
        "ssh_user": ssh.user,
        "ssh_strict_host_key_checking": "yes" if ssh.host_keys == "strict" else "accept-new",
        "_sudo": ssh.user != "root",
    }
    if ssh.key:
        data["ssh_key"] = str(ssh.key)
    if ssh.known_hosts:
        data["ssh_known_hosts_file"] = str(ssh.known_hosts)
    if ssh.sudo_password:
        data["_sudo_password"] = ssh.sudo_password.get_secret_value()
    return data


control_plane = [(host.name, _data(host)) for host in _cluster.control_planes]
workers = [(host.name, _data(host)) for host in _cluster.workers]
