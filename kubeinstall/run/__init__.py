"""A run: its list of phases, the selection of phases and hosts, and its result."""
