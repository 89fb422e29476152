"""Checks of a host and its cluster, with testinfra, over connections that are open already."""
