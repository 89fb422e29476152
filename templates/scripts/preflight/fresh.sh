# shellcheck shell=sh
# What only a host that is no node yet is asked: its ports, and whether it goes out through a proxy
# of its own.
ss -Hltnp 2>/dev/null | awk '{ n = split($4, a, ":"); split($6, p, "\""); print a[n] "\t" p[2] }' |
  while IFS="$(printf '\t')" read -r port program; do say port "$port $program"; done
{ apt-config dump; cat /etc/dnf/dnf.conf; } 2>/dev/null |
  grep -Eq '^(Acquire::https?::Proxy "..*"|proxy *= *[^ ])' && say proxy yes
grep -Eqi '^ *(export +)?(https?|all)_proxy=' /etc/environment /etc/profile.d/*.sh 2>/dev/null &&
  say login_proxy yes
