# shellcheck shell=sh
# Whether a host goes out through a proxy of its own.
{ apt-config dump; cat /etc/dnf/dnf.conf; } 2>/dev/null |
  grep -Eq '^(Acquire::https?::Proxy "..*"|proxy *= *[^ ])' && say proxy yes
grep -Eqi '^ *(export +)?(https?|all)_proxy=' /etc/environment /etc/profile.d/*.sh 2>/dev/null &&
  say login_proxy yes
