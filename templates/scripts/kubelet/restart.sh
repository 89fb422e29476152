# shellcheck shell=sh
# Restarts the kubelet of a node, and waits until the node is Ready. what: why it is restarted,
# networked: empty where the node may lack its pod network; "forget" and "put_back" are for files
# that were set aside before. A kubelet reports its state when it starts, so the node's heartbeat
# has to be newer than that. systemd restarts one that fails every ten seconds.
# kubectl: how it is called.
: "${node?}" "${what?}" "${networked?}" "${kubectl?}"
path='{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime} {.message}{end}'
systemctl daemon-reload
systemctl reset-failed kubelet 2>/dev/null
began=$(date +%s)
systemctl restart kubelet
until=$((began + 240))
while [ "$(date +%s)" -lt $until ] && [ "$(systemctl show -p NRestarts --value kubelet)" -lt 2 ]; do
  told=$($kubectl get node "$node" -o "jsonpath=$path" 2>/dev/null)
  ready=${told%% *} heard=${told#* }
  heard=${heard%% *}
  heard=$(date -d "${heard:-@0}" +%s)
  if [ "$heard" -ge "$began" ] && systemctl -q is-active kubelet; then
    [ "$ready" = True ] && { forget; exit 0; }
    if [ -z "$networked" ]; then
      case $told in *'network plugin'* | *cni* | *CNI*) forget; exit 0 ;; esac
    fi
  fi
  sleep 1
done
{
  echo "the kubelet of $node does not come back with $what"
  [ "$ready" = False ] && [ "$heard" -ge "$began" ] && echo "the node says: $told"
  journalctl -u kubelet --since "@$began" -o cat --no-pager |
    grep -E '^[EF][0-9]{4} |err=|rror: |ailed to' | cut -c -400 | tail -n 3
} >&2
put_back
if [ "$back" ]; then
  systemctl restart kubelet
  echo "the previous version was restored:$back" >&2
fi
exit 1
