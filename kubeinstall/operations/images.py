"""Images that kubeadm wants, pulled by the runtime before kubeadm runs."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Generator, Iterable

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.kubeadm_images import Images, list_command
from kubeinstall.operations.commands import Command
from kubeinstall.operations.proxy import reading

_TIMEOUT = 3600

_DOCKER = 'docker pull -q "$1"'
# crictl pulls as the kubelet does, with the registries' credentials of containerd's configuration;
# ctr could be given one only as an argument, which everybody sees.
_CONTAINERD = """\
if command -v crictl >/dev/null; then
    crictl -r unix:///run/containerd/containerd.sock pull "$1"
  else
    ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d "$1"
  fi"""

_LEFT = """\
case ${{1%%/*}} in {logins}) ! command -v crictl >/dev/null ;; *) false ;; esac"""

# A registry that says no to one image may have the others; one that cannot be reached has none.
# Where a registry is tried by https and http, its answer is not always what comes last.
_PULL = """\
pull() {{
  {pull}
}}
answer() {{
  no=$(printf '%s\\n' "$said" | grep -Em1 \
    'not found|manifest unknown|denied|nauthorized|[Ff]orbidden|http.Status[NUF]')
  case $no in
    *http.StatusNotFound*) echo '404 not found' ;;
    *http.StatusUnauthorized*) echo '401 unauthorized' ;;
    *http.StatusForbidden*) echo '403 forbidden' ;;
    ?*) printf '%s\\n' "$no" ;;
    *) printf '%s\\n' "$said" | grep . | tail -n 1; return 1 ;;
  esac
}}
left() {{
  {left}
}}
number=0 failed=
for image in {images}; do
  number=$((number + 1))
  ! left "$image" || {{ echo "$image is left to the kubelet, which has the login"; continue; }}
  echo "pulling $image ($number of {total})"
  said=$(pull "$image" 2>&1) && continue
  answer >/dev/null || {{ sleep 3; said=$(pull "$image" 2>&1) && continue; }}
  why=$(answer) && reached=yes || reached=
  failed="$failed${{failed:+
}}image $image cannot be pulled: $why"
  [ "$reached" ] || break
done
[ "$failed" ] || exit 0
{end}"""


# An image that the registry does not have may be left out; a registry that is gone is told apart.
_END = """\
if {may}; then printf '%s\\n' "$failed"
else printf '%s\\n' "$failed" >&2; exit 1
fi"""


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
        script = reading(environment, pull_script(missing, docker, required, logins))
        yield Command(script, stream=True, _timeout=_TIMEOUT)
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
    names = [shlex.quote(image) for image in images]
    return _PULL.format(
        pull=_DOCKER if docker else _CONTAINERD,
        left="false" if docker or not logins else _LEFT.format(logins="|".join(logins)),
        images=" ".join(names),
        total=len(names),
        end=_END.format(may="false" if required else '[ "$reached" ]'),
    )
