"""Arguments of the control plane's static pods, changed by kubeadm on a cluster that runs."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from dataclasses import dataclass

from pyinfra.api.operation import operation

from kubeinstall.facts.kubeadm import ADMIN, KUBEADM, KUBECTL
from kubeinstall.facts.static_pods import MANIFESTS
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import Holds, WriteFile
from kubeinstall.operations.proxy import reading


@dataclass(frozen=True)
class Change:
    """What changes for one component.

    Args:
        component: e.g. ``kube-apiserver``.
        phase: of ``kubeadm init``, that writes its manifest.
        wanted: arguments that it shall have, ``--name=value`` each.
        unwanted: arguments that it shall not have.
        diff: for people.
    """

    component: str
    phase: str
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    diff: str


# The kubelet makes the pod anew a moment after its manifest was written. A program that does not
# take its arguments may look well for a second: the pod has to be well five times in succession.
_APPLY = """\
manifest={manifests}/{component}.yaml
kept=/etc/kubernetes/kubeinstall/{component}.yaml
mkdir -p "${{kept%/*}}" && cp -p "$manifest" "$kept" || exit
kubectl="{kubectl} --kubeconfig {admin} --request-timeout=5s"
is_well() {{
  said=$($kubectl -n kube-system get pod {pod} -o 'jsonpath={path}' 2>/dev/null) || return
  has() {{ printf '%s\\n' "$said" | grep -qxF -e "$1"; }}
  has ready=True || return
  for one in {wanted}; do has "$one" || return; done
  for one in {unwanted}; do ! has "$one" || return; done
  [ "$($kubectl get --raw /readyz 2>/dev/null)" = ok ]
}}
{kubeadm} init phase {phase} --config /dev/stdin || {{ mv -f "$kept" "$manifest"; exit 1; }}
until=$(($(date +%s) + 150)) well=0
while [ "$(date +%s)" -lt $until ]; do
  if is_well; then well=$((well + 1)); else well=0; fi
  if [ $well = 5 ]; then rm -f "$kept"; exit 0; fi
  sleep 1
done
log=$(ls -t /var/log/pods/kube-system_{pod}_*/{component}/*.log 2>/dev/null | head -n 1)
words=$(tail -n 3 "$log" 2>/dev/null | sed '{bare}' | cut -c -400)
mv -f "$kept" "$manifest"
{{
  echo {component} 'does not come back with its new arguments: it has its old ones again'
  printf '%s\\n' "$words"
}} >&2
exit 1"""
# Docker keeps a line as JSON, containerd has time, stream and a letter before it.
_BARE = r's/^{"log":"\(.*\)\\n","stream":.*/\1/; s/^[^ ]* std[a-z]* [FP] //'
_PATH = (
    '{range .spec.containers[0].command[*]}{@}{"\\n"}{end}'
    'ready={.status.conditions[?(@.type=="Ready")].status}{"\\n"}'
)


@operation()
def arguments_changed(
    changes: tuple[Change, ...], node: str, config: str, note: str, path: str, environment: str
) -> Generator[Command]:
    """The control plane's pods have these arguments and are well; the cluster's note says so.

    One after the other, and one that is not well gets its old manifest back. The note is last, so a
    run that is cut off is taken up again.

    Args:
        node: name of the host's node.
        config: kubeadm's InitConfiguration and ClusterConfiguration, as YAML.
        note: what kubeinstall remembers of them on the host; empty: what is there.
        path: of that file.
        environment: path of a file with variables for kubeadm; empty: none.
    """
    for change in changes:
        script = _APPLY.format(
            manifests=MANIFESTS,
            admin=ADMIN,
            kubeadm=KUBEADM,
            kubectl=KUBECTL,
            component=change.component,
            phase=change.phase,
            pod=shlex.quote(f"{change.component}-{node}"),
            path=_PATH,
            bare=_BARE,
            wanted=" ".join(map(shlex.quote, change.wanted)),
            unwanted=" ".join(map(shlex.quote, change.unwanted)),
        )
        command = reading(environment, script)
        yield Command(command, stdin=config, stream=True, diff=change.diff, _timeout=600)
    if changes:
        upload = f"{KUBEADM} init phase upload-config kubeadm --config /dev/stdin"
        yield Command(reading(environment, upload), stdin=config, stream=True)
    if note:
        yield WriteFile(path, note, "600", holds=Holds.SECRETS)
