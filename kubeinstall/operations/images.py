"""Images that kubeadm wants, pulled by the runtime before kubeadm runs."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.kubeadm_images import Images, list_command
from kubeinstall.operations.commands import Command
from kubeinstall.operations.proxy import reading
from kubeinstall.resources import script

_TIMEOUT = 3600


@operation()
def pulled(
    config: str,
    docker: bool,
    left_out: tuple[str, ...] = (),
    required: bool = True,
    environment: str = "",
    logins: tuple[str, ...] = (),
) -> Generator[Command]:
    """The images that kubeadm wants are here; on a node the kubelet sees to that.

    Args:
        config: kubeadm's configuration documents.
        docker: the runtime is Docker, else it is containerd.
        left_out: images that this host does not need, by the last part of their name.
        required: whether an image that its registry does not have is an error, or only reported; a
            registry that does not answer is one anyway.
        environment: path of a file with variables for who pulls; empty: none.
        logins: registries that want one, which the runtime was given.
    """
    state = host.get_fact(Images, config=config, docker=docker)
    if state.node:
        return
    missing = [image for image in state.missing if short_name(image) not in left_out]
    if missing:
        pull = pull_script(missing, docker, required, logins)
        yield Command(reading(environment, pull), stream=True, _timeout=_TIMEOUT)
    elif not state.known:
        # In a plan kubeadm is not there yet; where this is executed it says what is wrong.
        yield Command(f"{list_command(config)} >&2")


def short_name(image: str) -> str:
    """``kube-proxy`` of ``registry.k8s.io/kube-proxy:v1.36.2``."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


def pull_script(
    images: Iterable[str], docker: bool, required: bool, logins: Collection[str] = ()
) -> str:
    """The shell script that pulls images one after another, and tells which cannot be had and why.

    Args:
        images: as the runtime takes them.
        docker: the runtime is Docker, else it is containerd.
        required: whether it fails where a registry says no to one.
        logins: registries that want a login; ctr cannot be given one without anybody seeing it.
    """
    logged = "" if docker else " ".join(logins)
    return script(
        "images/pull",
        images,
        docker="yes" if docker else "",
        logins=logged,
        required="yes" if required else "",
    )
