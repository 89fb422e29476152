"""The files that are put on hosts: pure functions of the inventory."""
