# shellcheck shell=sh
# A command of kubeadm's, its parameters, by programs of one version of Kubernetes; it fails where
# a file that it makes is not there. made: those files.
: "${version?}" "${made?}"
of() {
  wanted=$1; shift; said=$("$@" 2>/dev/null)
  case $said in *"$wanted" | *"$wanted"[+-]* | *"$wanted\""*) return ;; esac
  said=$(printf '%s' "$said" | tr -s '\n ' ' ' | cut -c -200)
  echo "$1 is not from Kubernetes $version: it reports \"$said\"" >&2
  exit 1
}
of "v$version" /usr/bin/kubeadm version -o short
of "Kubernetes v$version" /usr/bin/kubelet --version
of "\"gitVersion\": \"v$version" /usr/bin/kubectl version --client -o json
"$@" || exit
for file in $made; do
  [ -s "$file" ] || { echo "kubeadm exited with code 0, but did not create $file" >&2; exit 1; }
done
