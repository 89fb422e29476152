"""Addons: render an inventory's addons to objects and compare them (no I/O to hosts)."""
