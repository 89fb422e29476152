"""One run: its list of phases, which of them and which hosts, and how it ends."""
