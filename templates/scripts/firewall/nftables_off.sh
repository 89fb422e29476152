# shellcheck shell=sh
# Turns off the user's own ruleset of nftables, which the function "chains" lists, and keeps it.
# off: path without its ending of what is kept.
: "${off?}"
set -e
umask 077
tables=$(chains | cut -d' ' -f1,2 | sort -u)
printf '%s\n' "$tables" | while read -r family table; do
  [ -z "$table" ] || nft -s list table "$family" "$table"
done > "$off.nft"
systemctl disable --quiet nftables
printf '%s\n' "$tables" | while read -r family table; do
  [ -z "$table" ] || nft delete table "$family" "$table"
done
