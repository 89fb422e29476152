"""The running cluster: what it says of itself, parsed, and how it is asked."""
