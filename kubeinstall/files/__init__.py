"""The files that are written to hosts, as pure functions of the inventory."""
