"""The inventory: read a file into a checked, frozen cluster."""
