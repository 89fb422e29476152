# shellcheck shell=sh
# What a cluster left on a host, by name. cni_files: patterns of what our pod networks put into
# /etc/cni/net.d, interfaces: a regular expression of those that they and kube-proxy make.
: "${cni_files?}" "${interfaces?}"
any() { for path in "$@"; do [ -e "$path" ] && return 0; done; return 1; }
any /etc/kubernetes/*.conf /etc/kubernetes/manifests/*.yaml /etc/kubernetes/pki/* \
  /var/lib/kubelet/config.yaml /var/lib/kubelet/pki/* /var/lib/etcd/member && echo kubeadm
any /etc/kubernetes /var/lib/cni /var/lib/kubelet/* /var/lib/etcd/* /var/lib/calico /run/calico \
  /run/flannel && echo folders
# shellcheck disable=SC2086 # these are patterns
[ -d /etc/cni/net.d ] && (cd /etc/cni/net.d && any $cni_files) && echo cni
systemctl is-active -q containerd && ctr -n k8s.io tasks ls -q 2>/dev/null | grep -q . &&
  echo containers
any /etc/systemd/system/kubeinstall-routes.service /usr/local/lib/kubeinstall/routes && echo routes
nft list tables 2>/dev/null | grep -qE '^table ip6? (kube-proxy|calico|flannel-ipv[46])$' &&
  echo tables
{ ip -o link show 2>/dev/null | grep -qE "^[0-9]+: ($interfaces)[:@]" ||
  ip -o -4 address show dev tunl0 2>/dev/null | grep -q .; } && echo interfaces
ipset list -n 2>/dev/null | grep -q '^cali[46]0' && echo sets
for save in iptables-save ip6tables-save; do
  command -v $save >/dev/null || continue
  $save 2>/dev/null | grep -qE '^:(KUBE|CNI|KUBEINSTALL|FLANNEL|cali)-' && echo rules
done
for package in kubelet kubeadm kubectl kubernetes-cni cri-tools; do
  { dpkg-query -W -f '${Status}' $package | grep -q ' installed$' ||
    rpm -q --quiet $package; } 2>/dev/null && echo "package:$package"
done
true
