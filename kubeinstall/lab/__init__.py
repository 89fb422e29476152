"""Hosts on this machine: systemd-nspawn on a cached Debian root, and a package mirror."""
