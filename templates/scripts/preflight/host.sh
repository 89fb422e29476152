# shellcheck shell=sh
# What every host is asked, with the functions. node_ip: the node's address, nodefs and imagefs:
# folders on the file systems that the kubelet calls so.
: "${node_ip?}" "${nodefs?}" "${imagefs?}"
# shellcheck source=/dev/null
. /etc/os-release 2>/dev/null
say os "$ID"
say os_version "$VERSION_ID"
say os_like "$ID_LIKE"
say os_codename "$VERSION_CODENAME"
say arch "$(uname -m)"
say kernel "$(uname -r)"
say cpus "$(nproc 2>/dev/null)"
say memory_kb "$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)"
say machine_id "$(cat /etc/machine-id 2>/dev/null)"
say product_uuid "$(cat /sys/class/dmi/id/product_uuid 2>/dev/null)"
say container "$(systemd-detect-virt --container 2>/dev/null)"
say time "$(date +%s.%N)"
say cgroup "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)"
# shellcheck disable=SC2013 # an address is one word
for s in $(sed -n 's/^nameserver[[:space:]]*//p' /etc/resolv.conf 2>/dev/null); do
  say nameserver "$s"
done
grep -qs '^nameserver' /run/systemd/resolve/resolv.conf && say resolved yes
say disk_mb "$(df -Pm /var 2>/dev/null | awk 'END { print $4 }')"
room nodefs "$nodefs"
room imagefs "$imagefs"
for f in /etc/kubernetes/kubelet.conf /etc/kubernetes/manifests/kube-apiserver.yaml \
         /etc/kubernetes/manifests/etcd.yaml /var/lib/kubelet/pki/kubelet-client-current.pem; do
  [ -e "$f" ] && say node yes
done
for a in $(ip -o -4 addr show 2>/dev/null | awk '{ split($4, p, "/"); print p[1] }'); do
  say address "$a"
done
for f in /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json; do
  [ -e "$f" ] && say cni "${f##*/}"
done
say source "$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')"
nic=$(ip -o -4 addr show to "$node_ip" 2>/dev/null | awk '{ print $2; exit }')
[ "$nic" ] && say mac "$(cat "/sys/class/net/${nic%@*}/address" 2>/dev/null)"
ss -Hltnp 2>/dev/null | awk '{ n = split($4, a, ":"); split($6, p, "\""); print a[n] "\t" p[2] }' |
  while IFS="$(printf '\t')" read -r port program; do say port "$port $program"; done
for one in kubeadm kubectl kubelet; do
  path=$(command -v $one) && [ "$path" != /usr/bin/$one ] && say program "$path"
done
