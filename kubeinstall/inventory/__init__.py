"""The inventory: load a file into a checked, frozen cluster."""
