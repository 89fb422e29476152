# shellcheck shell=sh
# What a host has of a cluster, in parts between which there is the character 036. The kubelet has
# its certificate once an API server has signed it one: an init or a join that was cut off before
# that is begun again, by any version. Of the file only the certificate is read: the private key is
# in it, too.
certificate=/var/lib/kubelet/pki/kubelet-client-current.pem
manifest=/etc/kubernetes/manifests/kube-apiserver.yaml
[ -e $certificate ] && [ -e /etc/kubernetes/kubelet.conf ] || exit 0
{
  echo node
  printf '\036'
  sed -n '/-BEGIN CERT/,/-END CERT/p' $certificate
  printf '\036'
  dpkg-query -W -f '${Version}' kubelet || rpm -q --qf '%{VERSION}' kubelet
  printf '\036'
  if [ -e $manifest ] || [ -e /var/lib/etcd/member ]; then echo control-plane; fi
  printf '\036'
  sed -n 's/^ *image: *//p' $manifest
  printf '\036'
  ls /etc/cni/net.d
} 2>/dev/null
true
