"""The phases of a run, one file per phase: what it decides and deploys."""
