"""Known causes: clocks, kubelets, runtimes, kubeadm and what it makes."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinstall.cluster.commands import KUBELET_LOG
from kubeinstall.diagnose.cause import Cause, Rank

_UNKNOWN_FLAG = r"(?:unknown flag|unknown shorthand flag|unknown command line flag):?"

CLUSTER: Sequence[Cause] = (
    Cause(
        "time servers",
        r"no time server answered: ([^\n]*)",
        "none of the time servers answers chrony: {1}",
        "chronyc sources; allow UDP port 123, or set cluster.time.servers to others",
    ),
    Cause(
        "time servers' names",
        r"the names of its servers cannot be resolved",
        "chrony cannot resolve the name of any of its time servers",
        "cat /etc/resolv.conf; set cluster.time.servers to names or addresses that it can reach",
    ),
    Cause(
        "clock not settable",
        r"systemd did not start it: this host is not allowed to set its clock",
        "chrony is not running, because the host (a container?) is not allowed to set its clock",
        "set cluster.time.manage to false, and keep the clock of the machine below in sync",
    ),
    Cause(
        "chrony down",
        r"the clock is not in sync: chrony is not running",
        "chrony keeps exiting",
        "journalctl -u chrony -u chronyd -n 30",
    ),
    Cause(
        "clock not in sync",
        r"the clock is not in sync after (\d+) s",
        "chrony has not synchronized with any of its time servers within {1} s",
        "chronyc sources -v; if they are only slow, raise cluster.time.sync_timeout",
    ),
    Cause(
        "certificate expired",
        r"certificate has expired or is not yet valid: current time \S+ is after (\S+)",
        "a certificate expired at {1}",
        "cd /etc/kubernetes/pki && for one in *.crt etcd/*.crt; do "
        "echo $one $(openssl x509 -noout -enddate -in $one); done",
    ),
    Cause(
        "clock",
        r"certificate (?:has expired or )?is not yet valid|certificate has expired or is not yet",
        "the hosts' clocks differ, or a certificate has expired",
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
        "containerd runs without its CRI plugin, or with a CRI version that the kubelet does not "
        "support",
        "containerd config dump | grep -A3 disabled_plugins; containerd --version",
    ),
    Cause(
        "runtime refuses its configuration",
        r"unable to configure the Docker daemon with file (\S+?): ([^\n]+)|"
        r"containerd: (?:failed to load TOML|invalid[^\n]*config)[^\n]*",
        "the container runtime rejects its configuration: {0}",
        "journalctl -u docker -u containerd -n 30 --no-pager",
    ),
    Cause(
        "unknown flag of a component",
        r"^container (kube-\S+|etcd) ended[^\n]* shows: [^\n]*"
        r"(?:unknown flag|unknown shorthand flag|flag provided but not defined):? (-[^\s\"\\]+)",
        "{1} does not know the flag {2}",
        "remove it from the arguments of {1} in cluster.kubeadm, then run `kubeinstall up` again",
    ),
    Cause(
        "bad argument of a component",
        r"^container (kube-\S+|etcd) ended[^\n]* shows: [^\n]*(invalid argument [^\n]+)",
        "{1} does not start: {2}",
        "correct the arguments of {1} in cluster.kubeadm, then run `kubeinstall up` again",
    ),
    Cause(
        "unknown flag of somebody's",
        rf"{_UNKNOWN_FLAG} (-[\w-]+)(?=[\s\S]*^flags in (\S+):[^\n]*\1\b)",
        "a program does not know the flag {1}, which is in {2}",
        "remove {1} from {2}, then: systemctl restart kubelet",
    ),
    Cause(
        "unknown flag",
        rf"{_UNKNOWN_FLAG} (-[^\s\"\\]+)",
        "a program does not know the flag {1}",
        "remove it from extra_args in the inventory",
    ),
    Cause(
        "unknown field",
        r"(?:strict decoding error|unknown field)[^\n]*\"([^\"]+)\"",
        "a configuration has a field that this version does not know: {1}",
        "remove it from config in the inventory",
    ),
    Cause(
        "port in use",
        r"\[ERROR Port-(\d+)\]|listen tcp[^\n]*:(\d+): bind: address already in use",
        "port {1}{2} is in use by another program",
        "ss -ltnp 'sport = :{1}{2}'",
    ),
    Cause(
        "folder not empty",
        r"\[ERROR DirAvailable--\S+\]: (\S+) is not empty",
        "{1} is not empty: it contains files of an earlier cluster",
        "ls -la {1}; if you do not need them: kubeinstall reset -i INVENTORY --limit HOST",
    ),
    Cause(
        "exec through cri-dockerd",
        r"/cri/(?:exec|attach|portforward)/[^\n]*server gave HTTP response to HTTPS client",
        "the kubelet expects TLS from cri-dockerd, which serves plain HTTP "
        "(Mirantis/cri-dockerd#569)",
        "set the feature gate ExtendWebSocketsToKubelet to false in kubelet.config",
    ),
    Cause(
        "registry's CA",
        r"https://([^/\s\"]+)/v2/[^\n]*certificate signed by unknown authority",
        "the hosts do not trust the CA of the image registry {1}",
        "set ca of {1} in cluster.runtime.registries",
    ),
    Cause(
        "registry's login",
        r"https://([^/\s\"]+)/v2/[^\n]*(?:no basic auth credentials|401 Unauthorized|"
        r"unauthorized: authentication required)",
        "the image registry {1} requires a login, or rejects the current one",
        "set username and password of {1} in cluster.runtime.registries",
    ),
    Cause(
        "plain HTTP registry",
        r"https://([^/\s\"\\]+)/v2/[^\n]*server gave HTTP response to HTTPS client",
        "the image registry {1} uses plain HTTP, and the hosts expect TLS",
        "set insecure of {1} in cluster.runtime.registries to true, if you trust the network",
    ),
    Cause(
        "dns loop",
        r"plugin/loop: Loop \((\S+) ->",
        "CoreDNS forwards queries to itself: its node's resolv.conf has a loopback address",
        "cat /etc/resolv.conf; set kubelet.config.resolvConf to a file with other servers",
    ),
    Cause(
        "resolv.conf missing",
        r"open (/\S*resolv\.conf): no such file or directory",
        "the kubelet is configured with {1}, which does not exist on this host",
        "systemctl status systemd-resolved; set kubelet.config.resolvConf to a file that exists",
    ),
    Cause(
        "image missing",
        r"(?:manifest for |resolve reference \"?|pull image \"?)(\S+?)\"?"
        r"(?: not found|: [^\n]*(?:not found|manifest unknown))",
        "the registry has no image {1}",
        "kubeadm config images list; check cluster.image_repository",
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
        "run the same command again: every run creates a new one",
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
        "the cluster already has a Ready node named {1}",
        "give the host another hostname, or remove the old node: kubectl delete node {1}",
    ),
    Cause(
        "no answer",
        r"Get \\*\"?https://([\w.-]+|\[[\w:]+\]):(\d+)[^\n]*"
        r"(?:Client\.Timeout exceeded|context deadline exceeded|i/o timeout)",
        "{1}:{2} does not answer: a firewall drops the packets, or the address is wrong",
        "timeout 5 bash -c '</dev/tcp/{1}/{2}' || echo no answer; on the host with that "
        "address: ss -ltn 'sport = :{2}'; to open its firewall: kubeinstall up --only hosts",
    ),
    Cause(
        "no route",
        r"dial tcp (?:[\w.:-]+->)?([\d.]+|\[[\w:]+\]|[\w.-]+):(\d+): (?:connect: )?"
        r"(no route to host|i/o timeout|network is unreachable|connection timed out)",
        "{1}:{2} cannot be reached from this host ({3}): a firewall blocks it, or the address "
        "is wrong",
        "timeout 5 bash -c '</dev/tcp/{1}/{2}' || echo no answer; nft list ruleset",
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
        "this Docker no longer supports API version {1}, which Kubernetes up to 1.23 uses",
        "set cluster.runtime.version to a Docker older than 29, or use containerd",
    ),
    Cause(
        "runtime down",
        r"Cannot connect to the Docker daemon|^docker (?:inactive|failed)|"
        r"dial unix (?!\S*cri-dockerd)\S*(?:containerd|docker|cri)\S*\.sock[^\n]*",
        "the container runtime is not running",
        "systemctl status docker containerd --no-pager; "
        "journalctl -u docker -u containerd -n 30 --no-pager",
    ),
    Cause(
        "cri-dockerd down",
        r"dial unix \S*cri-dockerd\.sock[^\n]*|cri-docker (?:inactive|failed)",
        "cri-dockerd, which the kubelet needs to use Docker, is not running",
        "systemctl status cri-docker docker; journalctl -u cri-docker -u docker -n 30",
        rank=Rank.EFFECT,
    ),
    Cause(
        "preflight of kubeadm",
        r"\[ERROR (\w[^\]\n]*)\]: ([^\n]+)",
        "kubeadm rejected the host: {2} ({1})",
        "correct that, or add {1} to cluster.kubeadm.ignore_preflight_errors",
    ),
    Cause(
        "component ends",
        r"^container (kube-\S+|etcd) ended, `([^`\n]+)` shows: ([^\n]+)",
        "{1} keeps exiting: {3}",
        "{2}",
        rank=Rank.CONTAINER,
    ),
    Cause(
        "refused",
        r"dial tcp (\S+?): connect: connection refused|connection to the server (\S+) was refused",
        "nothing listens on {1}{2}: the API server is not running there",
        "on the host with that address: crictl ps -a || docker ps -a; then the logs of the "
        "container that exited",
        rank=Rank.EFFECT,
        elsewhere=True,
    ),
    Cause(
        "kubelet down",
        r"kubelet (?:is not|isn't) running or healthy|kubelet failed auto-restart",
        "the kubelet keeps exiting",
        KUBELET_LOG,
        rank=Rank.EFFECT,
    ),
)
