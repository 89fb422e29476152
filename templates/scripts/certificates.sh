# shellcheck shell=sh
# Prints certificates only: what else is in these files (private keys) stays on the host.
pem() { sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p'; }
for f in /etc/kubernetes/pki/*.crt /etc/kubernetes/pki/etcd/*.crt \
         /var/lib/kubelet/pki/kubelet-client-current.pem; do
  [ -e "$f" ] && echo "file $f" && pem < "$f"
done
for f in /etc/kubernetes/*.conf; do
  [ -e "$f" ] || continue
  data=$(sed -n 's/^ *client-certificate-data: //p' "$f")
  [ -z "$data" ] || { echo "file $f"; echo "$data" | base64 -d | pem; }
done
exit 0
