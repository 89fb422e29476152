# shellcheck shell=sh
# What every host is asked, with the functions. node_ip: the node's address, nodefs and imagefs:
# folders on the file systems that the kubelet calls so. Programs cost more than all else here.
: "${node_ip?}" "${nodefs?}" "${imagefs?}"
# shellcheck source=/dev/null
. /etc/os-release 2>/dev/null
say os "$ID"
say os_version "$VERSION_ID"
say os_like "$ID_LIKE"
say os_codename "$VERSION_CODENAME"
uname -rm | { read -r kernel arch; say kernel "$kernel"; say arch "$arch"; }
say cpus "$(nproc 2>/dev/null)"
say time "$(date +%s.%N)"
{
  read -r _ size _ < /proc/meminfo; say memory_kb "$size"
  id=; read -r id < /etc/machine-id; say machine_id "$id"
  id=; read -r id < /sys/class/dmi/id/product_uuid; say product_uuid "$id"
  while read -r key value _ || [ "$key" ]; do
    [ "$key" != nameserver ] || say nameserver "$value"
    key=
  done < /etc/resolv.conf
} 2>/dev/null
at=/run/systemd/resolve/resolv.conf
[ -e $at ] && grep -qs '^nameserver' $at && say resolved yes
parent "$nodefs"; nodefs=$at
parent "$imagefs"
stat -f -c '%S %b %a %c %d %T' /sys/fs/cgroup /var "$nodefs" "$at" 2>/dev/null | {
  read -r _ _ _ _ _ type && say cgroup "$type"
  read -r size _ free _ && say disk_mb $((size * free / 1048576))
  for name in nodefs imagefs; do
    read -r size blocks free inodes left _ && say room "$name $size $blocks $free $inodes $left"
  done
}
for f in /etc/kubernetes/kubelet.conf /etc/kubernetes/manifests/kube-apiserver.yaml \
         /etc/kubernetes/manifests/etcd.yaml /var/lib/kubelet/pki/kubelet-client-current.pem; do
  [ -e "$f" ] && say node yes
done
ip -o -4 addr show 2>/dev/null | while read -r _ nic _ at _; do
  say address "${at%/*}"
  mac=/sys/class/net/${nic%@*}/address
  [ "${at%/*}" = "$node_ip" ] && [ -r "$mac" ] && read -r at < "$mac" && say mac "$at"
done
for f in /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json; do
  [ -e "$f" ] && say cni "${f##*/}"
done
before=
for word in $(ip -4 route get 192.0.2.1 2>/dev/null); do
  [ "$before" != src ] || say source "$word"
  before=$word
done
for one in kubeadm kubectl kubelet; do
  path=$(command -v $one) && [ "$path" != /usr/bin/$one ] && say program "$path"
done
