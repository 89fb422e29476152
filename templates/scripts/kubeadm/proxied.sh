# shellcheck shell=sh
# Writes the control plane's manifests and waits for the API server: the kubelet recreates its pod
# a moment after its manifest was written. kubectl: how it is called.
: "${kubectl?}"
manifest=/etc/kubernetes/manifests/kube-apiserver.yaml
pod() {
  $kubectl -n kube-system get pods -l component=kube-apiserver \
    --field-selector "spec.nodeName=$(hostname)" \
    -o "jsonpath={.items[*].metadata.annotations['kubernetes\.io/config\.hash']}" 2>/dev/null
}
before=$(pod) written=$(sha256sum $manifest)
/usr/bin/kubeadm init phase control-plane all --config /dev/stdin || exit
[ "$(sha256sum $manifest)" != "$written" ] || exit 0
for _ in $(seq 180); do
  sleep 1
  now=$(pod) && [ "$now" ] && [ "$now" != "$before" ] &&
    [ "$($kubectl get --raw /readyz 2>/dev/null)" = ok ] && exit 0
done
echo "the API server did not come back with its new settings" >&2
exit 1
