"""Known causes: what keeps a host from anything at all, and images from being pulled."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinstall.diagnose.cause import Cause


def _answering(words: str) -> str:
    """A pattern for an image that cannot be pulled: the image, its registry, the answer.

    Args:
        words: a pattern for what the answer holds.
    """
    return rf"image (([^/\s]+)/\S+) cannot be pulled: (?=[^\n]*(?:{words}))([^\n]+)"


IMAGES: Sequence[Cause] = (
    Cause(
        "kubelet settings",
        r"the kubelet of \S+ does not come back with ([^\n]+)\n(?:[^\n]+\n)*?[^\n]*?"
        r"((?:err=|error: |(?:f|F)ailed to |[EF]\d{4} )[^\n]+)",
        "the kubelet does not start with {1}: {2}",
        "journalctl -u kubelet -n 50 --no-pager; correct these settings of kubelet in the "
        "inventory, then run `kubeinstall up` again",
    ),
    Cause(
        "disk full",
        r"no space left on device|ENOSPC|You don't have enough free space",
        "a file system is full",
        "df -h; du -xh -d2 /var | sort -h | tail",
    ),
    Cause(
        "out of memory",
        r"Out of memory: Killed process \d+ \((\S+)\)|oom-kill",
        "the kernel ran out of memory and killed a process",
        "free -m; journalctl -k | grep -i oom",
    ),
    Cause(
        "docker out of reach",
        _answering(r"Cannot connect to the Docker daemon|dial unix |docker\.sock"),
        "Docker is not running: {3}",
        "systemctl status docker --no-pager; journalctl -u docker -n 30 --no-pager",
    ),
    Cause(
        "registry has no image",
        _answering("not found|manifest unknown|repository does not exist"),
        "the registry {2} has no image {1}: {3}",
        "check cluster.image_repository and cluster.kubernetes, or use another cluster.source",
    ),
    Cause(
        "registry wants a login",
        _answering("unauthorized|forbidden|denied|authentication required|no basic auth"),
        "the registry {2} does not allow this host to pull {1}: {3}",
        "set username and password of {2} in cluster.runtime.registries, or check "
        "cluster.image_repository",
    ),
    Cause(
        "registry speaks plain HTTP",
        _answering("server gave HTTP response to HTTPS client"),
        "the registry {2} uses plain HTTP: {3}",
        "set cluster.runtime.registries {{{2}: {{insecure: true}}}}, if you trust the network",
    ),
    Cause(
        "registry's certificate",
        _answering("x509: |tls: "),
        "the registry {2} has an untrusted certificate: {3}",
        "set ca of {2} in cluster.runtime.registries",
    ),
    Cause(
        "registry out of reach",
        _answering(""),
        "the registry {2} cannot be reached for {1}: {3}",
        "set cluster.image_repository to one that can be reached, use another source "
        "(`source: aliyun`), or add a mirror in cluster.runtime.registries",
    ),
)
