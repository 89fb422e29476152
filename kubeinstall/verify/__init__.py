"""Checks of a host and its cluster, with testinfra, over the run's open connections."""
