"""Proxies of package managers and of kubeadm's pods."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Generator, Mapping

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import File
from kubeinstall.facts.kubeadm import KUBEADM
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.facts.proxy import PodProxies
from kubeinstall.operations import backups
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import Holds, WriteFile
from kubeinstall.resources import script

_BEGIN = "# BEGIN kubeinstall proxy"
_END = "# END kubeinstall proxy"
_BLOCK = re.compile(rf"^{_BEGIN}$.*?^{_END}$\n?", re.MULTILINE | re.DOTALL)
_OTHERS = re.compile(r"^proxy(_username|_password)?[ \t]*=.*\n?", re.MULTILINE)


def reading(environment: str, command: str) -> str:
    """A command with the variables of a file in its environment, where its arguments do not show.

    Args:
        environment: path of the file; empty: the command as it is.
        command: a shell command.
    """
    return f"set -a; . {shlex.quote(environment)}; set +a; {command}" if environment else command


def with_proxy(text: str, settings: Mapping[str, str]) -> str:
    """dnf's configuration with these settings in ``[main]``, or without any of ours.

    Args:
        text: the file as it is.
        settings: by name; none: only what is between our markers goes.
    """
    rest = _BLOCK.sub("", text)
    if not settings:
        return rest
    lines = [_BEGIN, *(f"{key}={value}" for key, value in settings.items()), _END, ""]
    rest = _OTHERS.sub("", rest)
    head, main, tail = rest.partition("[main]\n")
    return head + (main or "[main]\n") + "\n".join(lines) + tail


@operation()
def dnf_proxy(
    settings: Mapping[str, str], path: str = "/etc/dnf/dnf.conf", secret: bool = False
) -> Generator[Command]:
    """dnf goes through a proxy, or through none of ours; the rest of its file stays.

    Args:
        settings: ``proxy``, ``proxy_username``, ``proxy_password``; none: no proxy of ours.
        path: dnf's configuration.
        secret: the settings hold a login: only root may read the file.
    """
    old = host.get_fact(File, path=path)
    text = old.content.decode(errors="replace") if old else ""
    new = with_proxy(text, settings)
    mode = "600" if secret else "644"
    if new != text:
        if old and not old.backed_up and _BEGIN not in text:
            yield Command(backups.copied(path))
        yield WriteFile(path, new, mode, holds=Holds.SECRETS)
    elif old and settings and old.mode != mode:
        yield Command(f"chmod {mode} {shlex.quote(path)}")


@operation()
def pod_proxies(
    wanted: Mapping[str, str], config: str | None, environment: str, kube_proxy: bool
) -> Generator[Command]:
    """The control plane's pods have these proxies, as kubeadm gave them its environment.

    Their manifests are written again by kubeadm where they have others.

    Args:
        wanted: variables and their values; none: they go without a proxy.
        config: kubeadm's configuration, as the cluster was made with; None: not known.
        environment: path of the file with the variables; empty without any.
        kube_proxy: kubeadm has made kube-proxy too.
    """
    lines = sorted(f"{name}={value}" for name, value in wanted.items())
    digest = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    found = host.get_fact(PodProxies)
    if config is None or all(each == digest for each in found):
        return
    # Last the manifests: they are what tells that there is something to do.
    for phase in (
        ("addon kube-proxy", "control-plane all") if kube_proxy else ("control-plane all",)
    ):
        command = f"{KUBEADM} init phase {phase} --config /dev/stdin || exit"
        if phase == "control-plane all":
            command = script("kubeadm/proxied", kubectl=kubectl(Timeout.POLL))
        yield Command(reading(environment, command), stdin=config, stream=True)
