"""The kubelet of a node: its files, and a restart after which the node is Ready again."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Mapping, Sequence

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists, File
from kubeinstall.facts.kubeadm import KUBECTL
from kubeinstall.facts.services import Unit
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import Holds, WriteFile
from kubeinstall.operations.undo import forgotten, put_back

UNIT = "kubelet.service"
_SECONDS = 240
STATES = ("/var/lib/kubelet/cpu_manager_state", "/var/lib/kubelet/memory_manager_state")
"""What the CPU and memory managers remember; with another policy the kubelet refuses them."""

# A kubelet tells its state when it starts, so the node's last word has to be newer than that. One
# that fails is started again by systemd every ten seconds.
_RESTART = """\
# restart the kubelet, and wait until its node is Ready
systemctl daemon-reload
systemctl reset-failed kubelet 2>/dev/null
began=$(date +%s)
systemctl restart kubelet
until=$((began + {seconds}))
while [ "$(date +%s)" -lt $until ] && [ "$(systemctl show -p NRestarts --value kubelet)" -lt 2 ]; do
  told=$({kubectl} get node {node} -o jsonpath='{path}' 2>/dev/null)
  set -- $told
  heard=$(date -d "${{2:-@0}}" +%s)
  if [ "$heard" -ge $began ] && systemctl -q is-active kubelet; then
    [ "$1" = True ] && {ready}
    case $told in {excused}) {ready} ;; esac
  fi
  sleep 1
done
{{
  echo "the kubelet of "{node}" does not come back with "{what}
  [ "$1" = False ] && [ "$heard" -ge $began ] && echo "the node says: $told"
  journalctl -u kubelet --since "@$began" -o cat --no-pager |
    grep -E '^[EF][0-9]{{4}} |err=|rror: |ailed to' | cut -c -400 | tail -n 3
}} >&2
{undo}
if [ "$back" ]; then
  systemctl restart kubelet
  echo "the previous version was restored:$back" >&2
fi
exit 1"""
_READY = (
    '{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime} {.message}{end}'
)


@operation()
def configured(
    files: Mapping[str, str],
    node: str,
    what: Sequence[str] = (),
    forget: bool = False,
    networked: bool = True,
) -> Generator[Command]:
    """The kubelet's files are these, and it runs with them: its node is Ready.

    Args:
        files: path to content; files that are there already.
        node: the node's name.
        what: the settings that change, in words.
        forget: the state of the CPU and memory managers is of another policy.
        networked: False: a node may lack its pod network.
    """
    # The state goes first: where the run ends here, the next one finds another policy again.
    # Each is asked for, so that all are read at once.
    remembered = [host.get_fact(Exists, path=path) for path in STATES]
    stale = forget and any(remembered)
    if stale:
        yield Command(f"systemctl stop kubelet && rm -f {' '.join(STATES)}")
    written = False
    for path, content in files.items():
        old = host.get_fact(File, path=path)
        if old is None or old.text != content:
            mode = old.mode if old else "644"
            yield WriteFile(path, content, mode, holds=Holds.SECRETS, old=old, undo=True)
            written = True
    state = host.get_fact(Unit, unit=UNIT, configs=tuple(files))
    if written or stale or not state.is_active or state.outdated:
        words = ", ".join(what) or "its settings"
        shown = "\n".join(f"~ {change}" for change in what)
        script = restart(node, words, networked=networked, undo=tuple(files))
        yield Command(script, diff=shown, _timeout=600)


def restart(node: str, what: str, *, networked: bool = True, undo: Iterable[str] = ()) -> str:
    """The shell script that restarts the kubelet and waits until its node is Ready.

    Args:
        what: the settings that it is restarted for.
        networked: False: a node may lack its pod network.
        undo: files that were written with ``undo``; the old ones come back if the node does not.
    """
    return _RESTART.format(
        seconds=_SECONDS,
        kubectl=f"{KUBECTL} --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout=5s",
        node=shlex.quote(node),
        path=_READY,
        what=shlex.quote(what),
        excused="'-'" if networked else "*'network plugin'*|*cni*|*CNI*",
        ready=f"{{ {forgotten(undo)}; exit 0; }}",
        undo=put_back(undo),
    )
