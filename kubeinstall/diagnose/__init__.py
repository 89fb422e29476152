"""From a failure to its likely cause and the next command."""
