# shellcheck shell=sh
# dpkg runs it: deb-postrm(5).
# As dh_installsystemd writes it: a unit that cannot be masked or enabled does not fail the package.
set -e
if [ -x /usr/bin/deb-systemd-helper ]; then
    if [ "$1" = remove ]; then
        deb-systemd-helper mask kubelet.service >/dev/null || true
    fi
    if [ "$1" = purge ]; then
        deb-systemd-helper purge kubelet.service >/dev/null || true
        deb-systemd-helper unmask kubelet.service >/dev/null || true
    fi
fi
if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
