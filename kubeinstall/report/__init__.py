"""What a run tells people: phases, changes, findings, and one line a host at its end."""
