# shellcheck shell=sh
# A function that prints the addresses that etcd and the API server go by; those of etcd's data
# after "member". There may be those of other members among the latter, and old ones of this one.
addresses() {
  data=$(sed -n 's/^ *- --data-dir=//p' /etc/kubernetes/manifests/etcd.yaml 2>/dev/null)
  data=${data:-/var/lib/etcd}
  sed -n -e 's|^ *- --initial-advertise-peer-urls=https://\(.*\):[0-9]*$|\1|p' \
    -e 's|^ *- --advertise-address=||p' /etc/kubernetes/manifests/etcd.yaml \
    /etc/kubernetes/manifests/kube-apiserver.yaml 2>/dev/null
  if [ ! -s /etc/kubernetes/manifests/etcd.yaml ] && [ -e "$data/member/snap/db" ]; then
    grep -ao '"peerURLs":\["https://[^]"]*:2380"\]' "$data/member/snap/db" |
      sed 's|^.*://|member |; s|:2380.*$||' | sort -u
  fi
}
