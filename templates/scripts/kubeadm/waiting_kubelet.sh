# shellcheck shell=sh
# Until this shell ends, a kubelet counts as started when it has its certificate, has failed, or
# after 20 seconds. "kubeadm join" starts it and looks for the certificate: at once, and then every
# second, in older versions only every five seconds.
waiting=/run/systemd/system/kubelet.service.d/90-kubeinstall-join.conf
mkdir -p "${waiting%/*}" || exit
cat >"$waiting" <<'END' || exit
[Service]
ExecStartPost=-/usr/bin/timeout 20 /bin/sh -c 'until [ -e "$(sed -n "s/^ *client-certificate: //p" /etc/kubernetes/kubelet.conf 2>/dev/null)" ]; do kill -0 ${MAINPID} || exit; sleep 0.2; done'
END
trap 'rm -f "$waiting"; systemctl daemon-reload' EXIT
