"""What a hostile host answers to each fact: right in form, with something else in the values.

Every fact of ``kubeinstall.facts`` has its answers here; a test sees to that. In an answer ``@`` is
where the host puts what it likes.
"""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

from pyinfra.api.facts import FactBase

import kubeinstall.facts
from kubeinstall.engine.batch import FactError
from kubeinstall.engine.bulk import Facts
from kubeinstall.engine.together import alone
from kubeinstall.engine.types import Output
from kubeinstall.facts import (
    addons,
    clock,
    cni,
    containerd,
    control_plane,
    cri_dockerd,
    dnf,
    docker,
    files,
    firewall,
    flags,
    identity,
    kernel,
    kubeadm,
    packages,
    programs,
    proxy,
    resolv,
    runtime_classes,
    selinux,
    services,
    serving_certificates,
    signing_keys,
    static_pods,
    swap,
)
from kubeinstall.facts import (
    kubeadm_images as images,
)
from kubeinstall.facts import (
    package_sources as sources,
)

Fact = type[FactBase[Any]]
Said = str | Callable[[str], str]


def all_facts() -> list[Fact]:
    """Every fact of ours, found where facts are."""
    found: dict[Fact, None] = {}
    for module in pkgutil.walk_packages(kubeinstall.facts.__path__, "kubeinstall.facts."):
        for value in vars(importlib.import_module(module.name)).values():
            ours = isinstance(value, type) and value.__module__.startswith("kubeinstall.facts")
            if ours and issubclass(value, FactBase):
                found[value] = None
    return list(found)


def packed(document: object) -> str:
    """As kubectl's answers come: compressed, in Base64."""
    return base64.encodebytes(gzip.compress(json.dumps(document).encode(errors="replace"))).decode()


def encoded(text: str) -> str:
    """In Base64, on one line."""
    return base64.b64encode(text.encode(errors="replace")).decode()


def _object(word: str, **more: object) -> dict[str, Any]:
    meta = {"name": word, "namespace": word, "labels": {word: word}, "annotations": {word: word}}
    return {"apiVersion": "v1", "kind": word, "metadata": meta, **more}


def _parents(word: str) -> str:
    labels = {addons.ADDON_LABEL: word, addons.PART_OF: word}
    notes = {addons.KINDS: f"ConfigMap.v1.,{word}.v1.", "kubeinstall.io/version": word}
    parent = {
        "kind": "ConfigMap",
        "metadata": {"name": word, "labels": labels, "annotations": notes},
    }
    return packed({"kind": "List", "items": [parent]})


def _requests(word: str) -> str:
    spec = {"username": word, "usages": [word], "request": encoded(word)}
    return json.dumps({"items": [{"metadata": {"name": word}, "spec": spec, "status": {}}]})


def daemon(text: str) -> str:
    """Docker's configuration, ours and the user's, all with this text."""
    size = len(text.encode(errors="replace"))
    return "\n".join(["no"] * 3 + [f"644 {size}"] * 3 + [encoded(text * 3)])


def _daemon(word: str) -> str:
    return daemon(json.dumps({"log-driver": word, word: [word], "registry-mirrors": word}))


ANSWERS: dict[Fact, tuple[Said, ...]] = {
    addons.Addons: (
        lambda w: _parents(w) + "--\n" + packed({"kind": "List", "items": [_object(w)]}),
    ),
    addons.Objects: (lambda w: packed(_object(w)) + "--\n",),
    addons.Volumes: (lambda w: packed(_object(w)), lambda w: packed({"kind": "List", "items": w})),
    clock.InSync: ("@,@,3,@,,,,,,,,,,Normal",),
    clock.OtherTimeServices: (
        "Id=@\nActiveState=active\nUnitFileState=enabled\n\nId=ntp.service\nActiveState=@",
    ),
    cni.Routes: ("route @ via @ dev @\nroute 10.244.1.0/24 via @\nchains",),
    cni.BridgeAddress: ("3: cni0 inet @/24 scope", "3: cni0 inet 10.244.9.1/24@"),
    cni.PodRoutes: ("@ via 10.0.0.1\nblackhole 1@ proto 80\n10.244.7.0/24@ via @",),
    cni.CniFiles: ("00-@.conflist\ncalico@.conf\n@",),
    cni.IpvsServices: (
        "address @\naddress 10.96.0.1\nservice @ @\nservice -t 10.96.0.1:@",
        "address 10.96.0.1\nservice @ 10.96.0.1:443\nservice -t 10.96.0.1:443",
    ),
    containerd.Major: ("containerd @ v2.1.9 @", "containerd x 1@.2.3"),
    containerd.Registries: ("@/hosts.toml\ndocker.io/@",),
    cri_dockerd.CriDockerd: ("x86_64\n@ @\n@ -", "@\nab cd\ncd -"),
    dnf.RpmPackages: (
        "package\t@\tkubelet\t@ kubelet\nlist\tkubelet-0:@-1.*",
        "package\t1-1\tkubelet\tkubelet\ntoml\tname = \"@\"\ntoml\tvalue = '@'",
    ),
    dnf.RpmInstalled: ("package\t@\npackage\tpodman-docker",),
    dnf.RpmAvailable: ("kubelet|0:1.36.2-@\nkubelet|@\n@|1",),
    dnf.RpmKeyImported: ("written @\nkey @\nknown @ @",),
    docker.Daemon: (_daemon, "no\n-\n-\n@ @\n@", "@\n-\n-\n644 1\neA=="),
    files.File: (
        lambda w: f"{w}\nno\n{encoded('x')}",
        lambda w: f"644\nno\n{encoded(w)}",
        "755\n@\n@",
    ),
    files.Exists: ("yes\n@", "@"),
    firewall.Firewalls: (
        "at-work\nufw allow @ comment 'kubeinstall'\nufw route allow from @ comment 'kubeinstall'\n"
        "ufw @\nunit Id=@\nunit ActiveState=active\noff @\noff ufw",
        "unit Id=firewalld.service\nunit ActiveState=active\nunit UnitFileState=@\nunit\n"
        "unit Id=nftables.service\nunit ActiveState=active\nunit UnitFileState=enabled\noff @",
    ),
    flags.Flags: (
        lambda w: (
            "unit docker.service\nusual dockerd $DOCKER_OPTS $KUBELET_EXTRA_ARGS\n"
            f"option /etc/default/{w}\tDOCKER_OPTS=--log-driver={w} --{w}\n"
            f"option /etc/default/{w}\tKUBELET_EXTRA_ARGS=--node-ip={w}"
        ),
        "unit @\nLoadState=loaded\nExecStart={ argv[]=/x --@ -H @ $A ; }\nEnvironment=A=--@=@",
        "unit @\nusual @\noption @\t@\noption /x\tA_OPTS=@",
    ),
    firewall.InPlace: ("yes", "@"),
    identity.Hostname: ("@\n@",),
    identity.System: ("debian\n12\n@\n@", "@\n@\nrhel @\n@", "rocky\n@\nrhel\n@"),
    identity.MachineId: ("@",),
    images.Images: ("known=yes\nmissing=@\npresent=@\nmissing=registry.k8s.io/@",),
    kernel.Modules: ("@ loaded\noverlay built-in", "overlay @"),
    kernel.SysctlLines: (
        "/etc/sysctl.d/99-zzz@.conf:1:net.ipv4.ip_forward = @\n@:@:net.ipv4.ip_forward = 0",
    ),
    kernel.Sysctls: ("/proc/sys/net/ipv4/ip_forward:@\n@:1",),
    control_plane.ControlPlane: (
        "begun=@\ncluster=@\nconfig=@\nsettled=@\netcd=@\naddress=@\naddress=member @\nnow=@",
        "begun=yes\nsigned=yes\netcd=data\nanswers=yes\nobject=@\ncluster=kubernetes\nfile=@\n"
        "why=@\nwords=@\ncertificates\nfile @\n@\nfile /etc/kubernetes/pki/ca.crt\n@",
        "etcd=registered\nanswers=yes\ncluster=@\nobject=ConfigMap/@\nunmarked=yes\n"
        "configuration=@",
    ),
    kubeadm.Joined: ("kubelet_conf=@\nca=@\nleftovers=@",),
    kubeadm.KubeconfigCopy: ("home=/home/@\nadmin=@\ncopy=@\nbacked_up=@", "home=@\nadmin=ab"),
    kubeadm.Leftovers: (
        "kubeadm\nfolders\ncni\ncontainers\nroutes\ntables\ninterfaces\nsets\nrules\npackage:@\n@",
    ),
    packages.Packages: (
        "kubelet @ install installed\n@ @ hold installed\nchrony @ install installed",
    ),
    packages.Available: ("kubelet | @ | @ Packages\nkubelet | 1.36.2-@ | x Packages",),
    packages.Interrupted: ("yes", "@"),
    programs.InstalledFrom: ("@",),
    proxy.PodProxies: ("@\n@\n@",),
    resolv.Resolver: ("nameserver 127.0.0.53\nnameserver @\nbehind",),
    runtime_classes.RuntimeClasses: ("@ @ kubeinstall\ncrun @ kubeinstall",),
    selinux.Selinux: ("live 1\nconfigured @", "live @"),
    services.Unit: (
        "LoadState=loaded\nActiveState=active\nUnitFileState=@\nExecMainStartTimestamp=@\n"
        "Config=@ /etc/@",
        "LoadState=@",
    ),
    services.Reload: ("@",),
    serving_certificates.ServingRequests: (_requests,),
    signing_keys.KeyFile: (encoded, "@"),
    signing_keys.SourceKeys: (lambda w: f"key={encoded(w)}", "key=@", "why=@"),
    sources.AptSources: (
        lambda w: (
            f"{encoded(f'deb [signed-by={w}] https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /')} "
            f"/etc/apt/sources.list.d/{w}.list\n"
            f"{encoded(f'URIs: {w}')} /etc/apt/{w}.sources"
        ),
        "@ @",
    ),
    sources.DnfRepositories: (
        lambda w: f"{encoded(f'[kubernetes]{chr(10)}[{w}]')} /etc/yum.repos.d/{w}.repo",
        "@ @",
    ),
    static_pods.StaticPods: (
        "/etc/kubernetes/manifests/kube-apiserver.yaml:    - --@=@\n@:- --@\n/@.yaml:- --x=@",
    ),
    swap.Swap: ("active @\nfstab @ none swap sw\nunit @\nservice @\nzram @\nwaagent\ntarget",),
}


def texts(fact: Fact, word: str) -> Iterator[str]:
    """What the host answers to a fact, one after the other."""
    for said in ANSWERS[fact]:
        yield said(word) if callable(said) else said.replace("@", word)


class HostileFacts(Facts):
    """What is known of a host that answers with the same word wherever it can.

    Args:
        turn: which of a fact's answers.
    """

    def __init__(self, word: str, turn: int) -> None:
        super().__init__(self._answered)
        self._word, self._turn = word, turn
        self._wanted: list[Any] = []
        self.refused: set[Any] = set()

    def get(self, state: Any, host: Any, fact: Any, args: Any, kwargs: Any) -> Any:
        """As the engine does, but a fact that is refused keeps no other from being used."""
        try:
            return super().get(state, host, fact, args, kwargs)
        except FactError:
            self.refused.add(fact)
            return fact.default()

    def read(self, requests: Any) -> None:
        self._wanted = [r for r in dict.fromkeys(requests) if r not in self._known]
        # Each by its own command: what is asked together is parted by another test.
        if self._wanted:
            self._put(alone(self._wanted))

    def _answered(self, script: str) -> Output:
        found = re.search(r"\\n(KI[0-9a-f]+) %s", script)
        mark = found[1] if found else ""
        out = ""
        for request in self._wanted:
            said = (
                list(texts(request.fact, self._word)) if request.fact in ANSWERS else [self._word]
            )
            out += f"{said[self._turn % len(said)]}\n{mark} 0\n"
        return Output(0, out, f"{mark}\n" * len(self._wanted))
