"""Output of a run: phases, changes, findings, and a final line per host."""
