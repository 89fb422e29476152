# shellcheck shell=sh
# Lets firewalld work by the files of its zone and policies. policy: that of the host. A reload
# flushes the chains of iptables as well, kube-proxy's and ours among them: of a policy that is
# known to it, just what differs is changed.
: "${policy?}"
if [ "$(firewall-cmd --get-policies | tr ' ' '\n' | grep -c '^kubeinstall-')" != 2 ]; then
  firewall-cmd --reload >/dev/null || exit
  ! systemctl is-active -q kubeinstall-routes || systemctl restart kubeinstall-routes
else
  for kind in port rich-rule; do
    one() { if [ $kind = port ]; then tr ' ' '\n'; else cat; fi | grep . | sort; }
    wanted=$(firewall-offline-cmd "--policy=$policy" --list-${kind}s | one)
    live=$(firewall-cmd "--policy=$policy" --list-${kind}s | one)
    printf '%s\n' "$live" | grep . | grep -vxF -e "$wanted" | while IFS= read -r rule; do
      firewall-cmd -q "--policy=$policy" "--remove-$kind=$rule" || exit
    done &&
    printf '%s\n' "$wanted" | grep . | grep -vxF -e "$live" | while IFS= read -r rule; do
      firewall-cmd -q "--policy=$policy" "--add-$kind=$rule" || exit
    done || exit
  done
fi
