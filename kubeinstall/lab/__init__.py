"""Hosts on this machine: systemd-nspawn over a cached Debian root, with a package mirror."""
