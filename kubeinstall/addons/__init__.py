"""Addons: from what an inventory chose to the objects of the cluster (no I/O to hosts)."""
