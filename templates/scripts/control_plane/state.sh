# shellcheck shell=sh
# How far "kubeadm init" came, after the functions "addresses" and "last_words".
# files: all that init makes, manifests: those of the static pods, config: what we give init,
# objects: the node and what init makes in the cluster, as JSON, shown: the template that they are
# shown by, made: KIND/NAME of what init is to make of them, kubectl: how it is called.
: "${files?}" "${manifests?}" "${config?}" "${objects?}" "${shown?}" "${made?}" "${kubectl?}"
line='
'
admin=/etc/kubernetes/admin.conf
signed=/var/lib/kubelet/pki/kubelet-client-current.pem
say() { printf '%s=%s\n' "$1" "$2"; }
printf '%s\n' "$(addresses)" | while read -r one; do say address "$one"; done
for f in $files; do [ -s "$f" ] && say file "$f"; done
[ -e $admin ] && say begun yes
for f in $manifests; do [ -e "$f" ] && say begun yes; done
[ -e "$config" ] && say config "$(sha256sum < "$config" | cut -d' ' -f1)"
for f in $admin /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf; do
  name=$(sed -n 's/^current-context: .*@//p' "$f" 2>/dev/null)
  [ -z "$name" ] || { say cluster "$name"; break; }
done
grep -q kubelet-client-current.pem /etc/kubernetes/kubelet.conf 2>/dev/null && say settled yes
[ -e $signed ] && say signed yes
case $(systemctl is-active kubelet) in inactive | failed | unknown) ;; *) say active yes ;; esac
data=$(sed -n 's/^ *- --data-dir=//p' /etc/kubernetes/manifests/etcd.yaml 2>/dev/null)
data=${data:-/var/lib/etcd}
# What is there, in one call: a program of that size starts slowly. Where something lacks that init
# makes, it may only lack yet: then the API server has to be ready.
ask() {
  said=$(printf '%s\n' "$objects" | $kubectl get -f - --ignore-not-found -o "go-template=$shown" \
    2>&1) || return
  found=$(printf '%s\n' "$said" | while read -r kind name labels; do
    case "$kind $labels" in
      Node*node-role.kubernetes.io/control-plane* | Node*node-role.kubernetes.io/master*) ;;
      Node*) say unmarked yes ;;
      configuration*) say configuration "$name" ;;
      *) say object "$kind/$name" ;;
    esac
  done)
  for one in $made; do
    case $found$line in *"=$one$line"*) continue ;; esac
    said=$($kubectl get --raw /readyz 2>&1) && [ "$said" = ok ] || return
    break
  done
  printf '%s\n' "$found"
  say answers yes
}
if [ -s $admin ] && [ -x /usr/bin/kubectl ]; then
  # An API server that has just been started by the kubelet gets some time to answer.
  until=0
  [ -s /etc/kubernetes/manifests/kube-apiserver.yaml ] && systemctl -q is-active kubelet &&
    until=$(($(date +%s) + 20))
  until ask; do
    if [ "$(date +%s)" -ge $until ]; then
      say why "$(printf '%s\n' "$said" | grep . | tail -n 1 | cut -c -300)"
      for name in kube-apiserver etcd; do
        printf '%s\n' "$(last_words $name)" | grep . | tail -n 1 |
          while read -r one; do say words "$one"; done
      done
      break
    fi
    sleep 1
  done
fi
if [ -d "$data/member" ]; then
  say etcd data
  # Searched only where nothing else answers the question: it may be large.
  if [ ! -e $signed ] || ! grep -q kubelet-client /etc/kubernetes/kubelet.conf; then
    grep -aqs /configmaps/kube-system/kubeadm-config "$data"/member/snap/db \
      "$data"/member/wal/*.wal && say etcd registered
  fi
elif [ "$(ls -A "$data" 2>/dev/null)" ]; then
  say etcd files
fi
say now "$(date +%s)"
echo certificates
