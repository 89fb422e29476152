"""Finding the likely cause of a failure, and the next command."""
