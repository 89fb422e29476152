"""Known causes: what a log says when one is at work, why, and what to do.

Patterns come from the messages of apt, kubeadm, the kubelet, containerd and Docker. The first
cause that matches wins, so the root of a chain of errors stands before what it leads to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubeinstall.diagnose.cause import Cause, Found

_KUBELET = "journalctl -u kubelet -n 50 --no-pager"


def _answering(words: str) -> str:
    """A pattern for an image that cannot be pulled: the image, its registry, the answer.

    Args:
        words: a pattern for what the answer holds.
    """
    return rf"image (([^/\s]+)/\S+) cannot be pulled: (?=[^\n]*(?:{words}))([^\n]+)"


CAUSES: Sequence[Cause] = (
    Cause(
        "kubelet settings",
        r"the kubelet of \S+ does not come back with ([^\n]+)\n(?:[^\n]+\n)*?[^\n]*?"
        r"((?:err=|error: |(?:f|F)ailed to |[EF]\d{4} )[^\n]+)",
        "the kubelet does not come back with {1}: {2}",
        "put these settings of kubelet in the inventory right, then `kubeinstall up`; "
        "journalctl -u kubelet -n 50 tells more",
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
        "registry has no image",
        _answering("not found|manifest unknown|repository does not exist"),
        "the registry {2} has no image {1}: {3}",
        "see cluster.image_repository and cluster.kubernetes, or take another cluster.source",
    ),
    Cause(
        "registry wants a login",
        _answering("unauthorized|forbidden|denied|authentication required|no basic auth"),
        "the registry {2} does not let this host have {1}: {3}",
        "give a login for {2} in cluster.runtime.registries, or see cluster.image_repository",
    ),
    Cause(
        "registry speaks plain HTTP",
        _answering("server gave HTTP response to HTTPS client"),
        "the registry {2} speaks plain HTTP: {3}",
        "set cluster.runtime.registries {{{2}: {{insecure: true}}}}, if you trust the network",
    ),
    Cause(
        "registry's certificate",
        _answering("x509: |tls: "),
        "the registry {2} cannot prove that it is the one: {3}",
        "have the host trust the authority of its certificate: cluster.runtime.registries",
    ),
    Cause(
        "registry out of reach",
        _answering(""),
        "the registry {2} cannot be reached for {1}: {3}",
        "name one that can be in cluster.image_repository, take its images from another source "
        "(`source: aliyun`), or give it a mirror in cluster.runtime.registries",
    ),
    Cause(
        "apt lock",
        r"Could not get lock (\S+?)[.,]?(?: It is held by process (\d+)[^\n]*)?$|"
        r"dpkg frontend lock",
        "another program is installing packages",
        "see what it is and wait for it: fuser -v /var/lib/dpkg/lock-frontend",
    ),
    Cause(
        "dpkg interrupted",
        r"dpkg was interrupted, you must manually run",
        "an earlier installation of packages was cut off",
        "dpkg --configure -a",
    ),
    Cause(
        "another signing key",
        r"the signing key at (\S+) is another one: (\S+)[^\n]*",
        "{0}",
        "ask the source's keepers; if it is theirs, name it in cluster.packages.key_fingerprints "
        "(for another source than Kubernetes': remove the old key file on the host)",
    ),
    Cause(
        "signing key not to be had",
        r"the signing key could not be fetched from [^\n]*",
        "{0}",
        "take another cluster.source, or save the key to a file and name it in "
        "cluster.packages.key",
    ),
    Cause(
        "signing key",
        r"(NO_PUBKEY \w+|EXPKEYSIG[^\n]*|BADSIG[^\n]*|REVKEYSIG[^\n]*|is not signed)",
        "apt does not trust the package source: {1}",
        "set cluster.packages.key to the source's present signing key",
    ),
    Cause(
        "signing key (dnf)",
        r"(repomd\.xml GPG signature verification error[^\n]*|GPG check FAILED|"
        r"Public key for \S+ is not installed)",
        "dnf does not trust the package source: {1}",
        "set cluster.packages.key to the source's present signing key",
    ),
    Cause(
        "metadata",
        r"Failed to download metadata for repo '?([^':\s]+)'?: ([^\n]*)",
        "dnf cannot read the package source {1}: {2}",
        "dnf repoinfo {1}; try its address from this host",
    ),
    Cause(
        "proxy login",
        r"407 +Proxy Authentication Required",
        "the proxy wants a login, or another one",
        "set cluster.proxy.http and https to http://LOGIN:PASSWORD@PROXY:PORT",
    ),
    Cause(
        "proxy",
        r"proxyconnect tcp: dial tcp ([^\s:]+:\d+)[^\n]*",
        "the proxy {1} cannot be reached",
        "see cluster.proxy; what is inside the hosts' network belongs into cluster.proxy.no_proxy",
    ),
    Cause(
        "release expired",
        r"Release file[^\n]* is (?:expired|not valid yet)",
        "the package source's Release file is out of date, or the host's clock is wrong",
        "timedatectl; then ask who keeps the package source",
    ),
    Cause(
        "version not offered",
        r"package (\S+) (\S+?)(?:-\*)? is in none of this host's package sources; they have: (.*)",
        "the package sources have no {1} {2}; they have {3}",
        "set cluster.kubernetes to one of those, or cluster.packages.url to a source that has it",
    ),
    Cause(
        "dependency",
        r"nothing provides (.+?) needed by (\S+)",
        "no enabled package source has {1}, which {2} needs",
        "dnf repolist --all; enable the one that has it",
    ),
    Cause(
        "no such version",
        r"Version '([^']+)' for '([^']+)' was not found",
        "the package source has no {2} {1}",
        "apt-cache madison {2}",
    ),
    Cause(
        "no such package",
        r"Unable to locate package (\S+)|Package '?([^\s']+)'? has no installation candidate",
        "no configured package source has {1}{2}",
        "apt-cache policy {1}{2}; see cluster.packages.url",
    ),
    Cause(
        "name resolution",
        r"Temporary failure (?:resolving|in name resolution)[^\n]*|Could not resolve '?([^\s']+)|"
        r"lookup (\S+)[^\n]*: (?:no such host|server misbehaving|i/o timeout)",
        "the host cannot resolve {1}{2}",
        "getent hosts {1}{2}; cat /etc/resolv.conf",
    ),
    Cause(
        "source unreachable",
        r"(?:Could not connect to|Cannot initiate the connection to|Failed to fetch) (\S+)",
        "the package source {1} cannot be reached",
        "cat /etc/apt/sources.list.d/*; try the address from this host",
    ),
    Cause(
        "time servers",
        r"no time server answered: ([^\n]*)",
        "none of the time servers answers chrony: {1}",
        "chronyc sources; let UDP port 123 through, or set cluster.time.servers to others",
    ),
    Cause(
        "time servers' names",
        r"the names of its servers cannot be resolved",
        "chrony cannot resolve the name of any of its time servers",
        "cat /etc/resolv.conf; set cluster.time.servers to names or addresses it can reach",
    ),
    Cause(
        "clock not settable",
        r"systemd did not start it: this host may not set its clock",
        "the host is a container, or otherwise may not set its clock, so chrony does not run",
        "set cluster.time.manage to false: whoever keeps the machine's clock keeps this one",
    ),
    Cause(
        "chrony down",
        r"the clock is not in sync: chrony does not run",
        "chrony does not stay up",
        "journalctl -u chrony -u chronyd -n 30",
    ),
    Cause(
        "clock not in sync",
        r"the clock is not in sync after (\d+) s",
        "chrony has followed none of its time servers after {1} s",
        "chronyc sources -v; a longer cluster.time.sync_timeout if they are just slow",
    ),
    Cause(
        "clock",
        r"certificate (?:has expired or )?is not yet valid|certificate has expired or is not yet",
        "the clocks disagree, or a certificate has expired",
        "timedatectl on every host; kubeadm certs check-expiration",
    ),
    Cause(
        "swap",
        r"running with swap on is not supported|\[ERROR Swap\]",
        "swap is on, and the kubelet refuses to run with it",
        "swapoff -a, then find what turns it on: swapon --show; systemctl list-units -t swap",
    ),
    Cause(
        "cgroup driver",
        r"kubelet cgroup driver: \"?(\w+)\"? is different from docker cgroup driver: \"?(\w+)",
        "the kubelet's cgroup driver ({1}) is not the runtime's ({2})",
        "kubeinstall up --from runtime",
    ),
    Cause(
        "cgroup v1",
        r"kubelet is configured to not run on a host using cgroup v1|\[ERROR SystemVerification\]"
        r"[^\n]*cgroups? v1",
        "the kubelet refuses cgroup v1 from Kubernetes 1.35 on",
        "boot with cgroup v2, or set kubelet.config failCgroupV1: false",
    ),
    Cause(
        "cgroup controller",
        r"missing (?:required )?cgroups?: (\w+)",
        "the kernel lacks the cgroup controller {1}",
        "cat /proc/cgroups; add cgroup_enable={1} to the kernel's command line",
    ),
    Cause(
        "containerd without CRI",
        r"unknown service runtime\.v1(?:alpha2)?\.(?:Runtime|Image)Service",
        "containerd runs without its CRI plugin, or speaks another CRI version than the kubelet",
        "containerd config dump | grep -A3 disabled_plugins; containerd --version",
    ),
    Cause(
        "unknown flag",
        r"(?:unknown flag|unknown shorthand flag|unknown command line flag):? (\S+)",
        "a program does not know the flag {1}",
        "take it out of the inventory's extra_args",
    ),
    Cause(
        "unknown field",
        r"(?:strict decoding error|unknown field)[^\n]*\"([^\"]+)\"",
        "a configuration has a field its version does not know: {1}",
        "take it out of the inventory's config",
    ),
    Cause(
        "port in use",
        r"\[ERROR Port-(\d+)\]|listen tcp[^\n]*:(\d+): bind: address already in use",
        "port {1}{2} is in use by another program",
        "ss -ltnp 'sport = :{1}{2}'",
    ),
    Cause(
        "exec through cri-dockerd",
        r"/cri/(?:exec|attach|portforward)/[^\n]*server gave HTTP response to HTTPS client",
        "the kubelet expects TLS where cri-dockerd has none (Mirantis/cri-dockerd#569)",
        "set the feature gate ExtendWebSocketsToKubelet to false in kubelet.config",
    ),
    Cause(
        "registry's CA",
        r"https://([^/\s\"]+)/v2/[^\n]*certificate signed by unknown authority",
        "the hosts do not know the CA of the certificate of the image registry {1}",
        "set ca of {1} in cluster.runtime.registries",
    ),
    Cause(
        "registry's login",
        r"https://([^/\s\"]+)/v2/[^\n]*(?:no basic auth credentials|401 Unauthorized|"
        r"unauthorized: authentication required)",
        "the image registry {1} wants a login, or another one",
        "set username and password of {1} in cluster.runtime.registries",
    ),
    Cause(
        "plain HTTP registry",
        r"https://([^/\s\"\\]+)/v2/[^\n]*server gave HTTP response to HTTPS client",
        "the image registry {1} speaks plain HTTP, and the hosts expect TLS of it",
        "set insecure of {1} in cluster.runtime.registries to true, if you trust the network",
    ),
    Cause(
        "dns loop",
        r"plugin/loop: Loop \((\S+) ->",
        "CoreDNS asks itself: the resolv.conf of its node names a server on the node's loopback",
        "cat /etc/resolv.conf; set kubelet.config.resolvConf to a file with other servers",
    ),
    Cause(
        "resolv.conf missing",
        r"open (/\S*resolv\.conf): no such file or directory",
        "the kubelet is told of {1}, which this host does not have",
        "set kubelet.config.resolvConf to one that it has; systemctl status systemd-resolved",
    ),
    Cause(
        "image missing",
        r"(?:manifest for |resolve reference \"?|pull image \"?)(\S+?)\"?"
        r"(?: not found|: [^\n]*(?:not found|manifest unknown))",
        "the registry has no image {1}",
        "see cluster.image_repository; kubeadm config images list",
    ),
    Cause(
        "image pull",
        r"(?:failed to pull image|Failed to pull image|ErrImagePull|\[ERROR ImagePull\])"
        r"[^\n]*?(?:\"([^\"\s]+)\"|image (\S+?):? )[^\n]*",
        "an image cannot be pulled: {0}",
        "try it on the host: crictl pull {1}{2}, or docker pull {1}{2}",
    ),
    Cause(
        "token",
        r"(?:bootstrap )?token[^\n]{0,80}(?:has expired|is invalid|not found)|"
        r"could not find a JWS signature|invalid bearer token",
        "the bootstrap token is no longer valid",
        "run the same command again: every run makes a fresh one",
    ),
    Cause(
        "other cluster",
        r"certificate signed by unknown authority|cluster CA found in cluster-info[^\n]*invalid|"
        r"none of the public keys",
        "the host has certificates of another cluster",
        "kubeinstall reset --limit HOST, then up again",
    ),
    Cause(
        "duplicate node",
        r"a Node with name \"?([^\s\"]+)\"? and status \"Ready\" already exists",
        "the cluster has a living node named {1} already",
        "give the host another hostname, or remove the old node: kubectl delete node {1}",
    ),
    Cause(
        "no answer",
        r"Get \"?https://([^/\s\"]+)[^\n]*"
        r"(?:Client\.Timeout exceeded|context deadline exceeded|i/o timeout)",
        "{1} does not answer: a firewall drops what is sent there, or the address is wrong",
        "curl -km3 https://{1}/healthz, and the same on the host it is; a firewall there is "
        "opened by kubeinstall up --only hosts",
    ),
    Cause(
        "no route",
        r"dial tcp (\S+?):? [^\n]*(?:no route to host|i/o timeout|network is unreachable)|"
        r"dial tcp (\S+?): connect: (?:no route to host|network is unreachable)",
        "{1}{2} cannot be reached from here: a firewall, or the wrong address",
        "bash -c '</dev/tcp/HOST/PORT' with that address; nft list ruleset",
    ),
    Cause(
        "Docker's API is too old",
        r"docker API version is older than (\S+)",
        "cri-dockerd needs a newer Docker: at least API version {1}",
        "docker version; set cluster.runtime.version or package to a newer one",
    ),
    Cause(
        "Docker's API is too new",
        r"client version (\S+) is too old\. Minimum supported API version is (\S+?),? ",
        "this Docker no longer answers API version {1}, which Kubernetes up to 1.23 speaks",
        "set cluster.runtime.version to a Docker older than 29, or take containerd",
    ),
    Cause(
        "runtime down",
        r"Cannot connect to the Docker daemon|^docker (?:inactive|failed)|"
        r"dial unix (?!\S*cri-dockerd)\S*(?:containerd|docker|cri)\S*\.sock[^\n]*",
        "the container runtime does not run",
        "systemctl status docker containerd; journalctl -u docker -u containerd -n 30",
    ),
    Cause(
        "cri-dockerd down",
        r"dial unix \S*cri-dockerd\.sock[^\n]*|cri-docker (?:inactive|failed)",
        "cri-dockerd, through which the kubelet speaks to Docker, does not run",
        "systemctl status cri-docker docker; journalctl -u cri-docker -u docker -n 30",
        symptom=True,
    ),
    Cause(
        "refused",
        r"dial tcp (\S+?): connect: connection refused|connection to the server (\S+) was refused",
        "nothing listens on {1}{2}: the API server does not run there (any more)",
        "on the control plane: crictl ps -a, or docker ps -a; then the container's log",
        symptom=True,
    ),
    Cause(
        "kubelet down",
        r"kubelet (?:is not|isn't) running or healthy|kubelet failed auto-restart",
        "the kubelet does not stay up",
        _KUBELET,
        symptom=True,
    ),
)


def find_cause(text: str) -> Found | None:
    """The first known cause that a text shows; None: no known one."""
    for cause in CAUSES:
        match = re.search(cause.pattern, text, re.IGNORECASE | re.MULTILINE)
        if match:
            groups = [match[0].strip(), *(group or "" for group in match.groups())]
            why, then = cause.why.format(*groups), cause.next.format(*groups)
            return Found(why, then, cause.symptom)
    return None
