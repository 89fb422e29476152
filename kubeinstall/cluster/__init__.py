"""The running cluster: queries, typed state, and work on its nodes."""
