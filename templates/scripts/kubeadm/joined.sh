# shellcheck shell=sh
# What "kubeadm join" left on a host.
cd /etc/kubernetes 2>/dev/null || exit 0
[ -e kubelet.conf ] && echo kubelet_conf=yes
for at in bootstrap-kubelet.conf pki/ca.crt /var/lib/kubelet/config.yaml; do
  [ -e $at ] && echo leftovers=yes
done
[ -e bootstrap-kubelet.conf ] && echo unfinished=yes
for at in manifests/kube-apiserver.yaml /var/lib/etcd/member; do
  [ -e $at ] && echo control_plane=yes
done
# Of the certificate, not the file: there may be text around it on one of the hosts.
certificate='/-BEGIN CERT/,/-END CERT/{/-END CERT/q;/-BEGIN CERT/d;p}'
[ -e pki/ca.crt ] &&
  echo "ca=$(sed -n "$certificate" pki/ca.crt | base64 -d | sha256sum)"
true
