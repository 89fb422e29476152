"""The phases of a run: one file each, what it decides and what it deploys."""
