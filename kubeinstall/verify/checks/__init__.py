"""The checks; each module's ``CHECKS`` lists its own in order."""
