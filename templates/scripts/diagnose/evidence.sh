# shellcheck shell=sh
# What a host reports about a failure, in parts that begin with the character 036 and a name.
# A kubelet repeats an effect many times a second: of lines that differ in times, numbers and
# identifiers alone the newest is kept, in the order in which each kind came first. (The kubelet's
# and docker's lines all have priority 6.)
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
  # shellcheck disable=SC2012 # the kubelet made the names, and ls can sort by time
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
