"""What a host can tell of a failure, gathered in one question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A kubelet repeats an effect many times a second: of lines that differ in times, numbers and
# identifiers alone the newest is kept, in the order in which each kind came first. (The kubelet's
# and docker's lines all have priority 6.)
SCRIPT = r"""
part() { printf '\n\036%s\n' "$1"; }
kinds() {
  awk -v most="$1" '{
    shape = $0
    sub(/^[EFWI][0-9]+ +[0-9:.]+ +[0-9]+ /, "", shape)
    gsub(/time="[^"]*"/, "", shape)
    gsub(/[0-9a-fA-F]*[0-9][0-9a-fA-F]*/, "#", shape)
    shape = substr(shape, 1, 160)
    if (!(shape in newest)) order[++count] = shape
    newest[shape] = $0
  } END {
    first = count > most ? count - most + 1 : 1
    for (i = first; i <= count; i++) print substr(newest[order[i]], 1, 600)
  }'
}
log() { journalctl -b -u "$1" -n 4000 -o cat --no-pager 2>/dev/null; }
part kubelet
systemctl show kubelet -p ActiveState -p SubState -p Result -p NRestarts -p ExecMainStatus 2>&1
part kubelet-log
log kubelet | grep -E '^E[0-9]{4}|^F[0-9]{4}|err=|[Ff]ailed to|^Error|rror: ' | kinds 60
part kubelet-flags
for file in /etc/default/kubelet /etc/sysconfig/kubelet /var/lib/kubelet/kubeadm-flags.env \
  /etc/systemd/system/kubelet.service.d/*.conf; do
  [ -f "$file" ] && sed -n "s|^[^#]*--|flags in $file: --|p" "$file"
done
part runtime
for unit in docker cri-docker containerd; do
  [ "$(systemctl show $unit -p LoadState --value)" = loaded ] || continue
  echo "$unit $(systemctl is-active $unit)"
  log $unit | grep -E 'level=(error|fatal|panic)|unable to|[Ff]ailed|^panic' | kinds 8
done
part containers
last() {
  "$@" 2>&1 | tail -n 80 > "$words"
  grep -E '^[EF][0-9]{4} |[Ee]rror|panic|atal|ailed|nvalid|unknown' "$words" | kinds 8 |
    grep . || tail -n 5 "$words"
}
words=$(mktemp)
if systemctl is-active -q docker; then
  docker ps -a -f status=exited --format '{{.ID}} {{.Names}} {{.Status}}' 2>/dev/null |
    grep -v -e '_POD_' -e 'Exited (0)' | head -n 6 | while read -r id name rest; do
      name=${name#k8s_}
      echo "docker logs $id;${name%%_*};$rest"; last docker logs --tail 80 "$id" | sed 's/^/  /'
    done
elif command -v crictl >/dev/null; then
  crictl ps -a --state Exited -o json 2>/dev/null | tr -d ' ",' |
    awk -F: '/^id:/ { id = $2 } /^name:/ { name = $2 } /^state:/ { print id, name }' |
    head -n 6 | while read -r id name; do
      echo "crictl logs $id;$name;"; last crictl logs --tail 80 "$id" | sed 's/^/  /'
    done
else
  # The kubelet numbers a container's log by its restarts; the line proper is the fourth field.
  ls -t /var/log/pods/kube-system_*/*/[1-9]*.log 2>/dev/null | head -n 6 |
    while read -r log; do
      name=${log%/*}
      echo "tail -n 20 $log;${name##*/};"
      last cut -d' ' -f4- "$log" | cut -c1-300 | sed 's/^/  /'
    done
fi
rm -f "$words"
part ports
ss -Hltnp 2>/dev/null | awk '{ print $4, $6 }' | head -n 30
part clock
date -u +%FT%TZ; timedatectl show -p NTPSynchronized 2>/dev/null
part disk
df -h /var /run 2>/dev/null
part swap
sed 1d /proc/swaps
exit 0
"""

_FIRST = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""What ends by itself comes before what ends for want of that."""
_COMMAND = re.compile(r"(?:docker logs|crictl logs) [0-9a-f]+|tail -n 20 /var/log/pods/[\w./-]+")
_WORD = re.compile(r"[\w.-]+")
_AFTERMATH = re.compile(
    r'node "?[^"]*"? not found|Container runtime network not ready|connection refused|'
    r"Unable to register node|Error getting node|nodes? .* not found|Back-?off|Scheduled restart",
    re.IGNORECASE,
)
"""Lines that follow whatever fails."""


@dataclass(frozen=True)
class Ended:
    """A container that ended.

    Args:
        name: e.g. ``kube-apiserver``.
        command: shows its log.
        words: its last ones.
    """

    name: str
    command: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What was gathered, by part: kubelet, kubelet-log, runtime, containers, ports, ..."""

    parts: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Evidence:
        """Read the script's answer."""
        parts = {}
        for part in text.split("\036")[1:]:
            name, _, body = part.partition("\n")
            parts[name.strip()] = body.strip("\n")
        return cls(parts)

    def __getitem__(self, part: str) -> str:
        return self.parts.get(part, "")

    @property
    def full_disks(self) -> list[str]:
        """Mount points with nothing left, as df tells them."""
        rows = [line.split() for line in self["disk"].splitlines()[1:]]
        return [row[5] for row in rows if len(row) == 6 and row[4] == "100%"]

    @property
    def ended(self) -> list[Ended]:
        """The containers that ended, those first that others depend on."""
        found = list(self._ended())
        return sorted(found, key=lambda e: _FIRST.index(e.name) if e.name in _FIRST else 9)

    def _ended(self) -> Iterator[Ended]:
        head, words = "", []
        for line in [*self["containers"].splitlines(), ""]:
            if line.startswith("  "):
                words.append(line.strip())
                continue
            command, _, rest = head.partition(";")
            name = rest.partition(";")[0]
            if words and _WORD.fullmatch(name) and _COMMAND.fullmatch(command):
                yield Ended(name, command, tuple(words))
            head, words = line, []

    @property
    def text(self) -> str:
        """What causes are looked for in."""
        told = [self["runtime"]]
        for one in self.ended:
            head = f"container {one.name} ended, `{one.command}` shows"
            told += [f"{head}: {word}" for word in one.words if not _AFTERMATH.search(word)]
        return "\n".join([*told, self["kubelet-log"], self["kubelet-flags"]])

    @property
    def last_words(self) -> str:
        """The line that most likely tells why: of an ended container, else of the kubelet."""
        for one in self.ended:
            own = [word for word in one.words if not _AFTERMATH.search(word)]
            if own:
                return f"{one.name}: {own[-1]}"
        lines = self["kubelet-log"].splitlines()
        return next((x for x in reversed(lines) if not _AFTERMATH.search(x)), "")
