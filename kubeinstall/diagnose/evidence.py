"""What a host can tell of a failure, gathered in one question."""

from __future__ import annotations

from dataclasses import dataclass

SCRIPT = r"""
part() { printf '\n\036%s\n' "$1"; }
part kubelet
systemctl show kubelet -p ActiveState -p SubState -p Result -p NRestarts -p ExecMainStatus 2>&1
part kubelet-log
journalctl -u kubelet -n 400 -o cat --no-pager 2>/dev/null |
  grep -E '^E[0-9]{4}|^F[0-9]{4}|err=|[Ff]ailed to|^Error' | tail -n 15
part runtime
for unit in docker cri-docker containerd; do
  [ "$(systemctl show $unit -p LoadState --value)" = loaded ] || continue
  echo "$unit $(systemctl is-active $unit)"
  journalctl -u $unit -p err -n 5 -o cat --no-pager 2>/dev/null
done
part containers
if systemctl is-active -q docker; then
  docker ps -a -f status=exited --format '{{.ID}} {{.Names}} {{.Status}}' 2>/dev/null |
    grep -v _POD_ | head -n 3 | while read -r id rest; do
      echo "$rest"; docker logs --tail 5 "$id" 2>&1 | sed 's/^/  /'
    done
elif command -v crictl >/dev/null; then
  crictl ps -a --state Exited 2>/dev/null | awk 'NR > 1 { print $1, $0 }' | head -n 3 |
    while read -r id rest; do echo "$rest"; crictl logs --tail 5 "$id" 2>&1 | sed 's/^/  /'; done
else
  # The kubelet numbers a container's log by its restarts; the line proper is the fourth field.
  ls -t /var/log/pods/kube-system_*/*/[1-9]*.log 2>/dev/null | tac | head -n 3 |
    while read -r log; do
      echo "$log"; tail -n 5 "$log" | cut -d' ' -f4- | cut -c1-300 | sed 's/^/  /'
    done
fi
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
    def last_words(self) -> str:
        """The line that most likely tells why: of an exited container, else of the kubelet."""
        for part in ("containers", "kubelet-log", "runtime"):
            lines = [line.strip() for line in self[part].splitlines() if line.startswith("  ")]
            lines = lines or (self[part].splitlines() if part == "kubelet-log" else [])
            if lines:
                return lines[-1]
        return ""
