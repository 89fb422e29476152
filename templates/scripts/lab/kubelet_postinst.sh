# shellcheck shell=sh
# dpkg runs it: deb-postinst(5).
# As dh_installsystemd writes it: a unit that cannot be masked or enabled does not fail the package.
set -e
if [ "$1" = configure ]; then
    deb-systemd-helper unmask kubelet.service >/dev/null || true
    if deb-systemd-helper --quiet was-enabled kubelet.service; then
        deb-systemd-helper enable kubelet.service >/dev/null || true
    else
        deb-systemd-helper update-state kubelet.service >/dev/null || true
    fi
    if [ -d /run/systemd/system ]; then
        systemctl --system daemon-reload >/dev/null || true
    fi
fi
