"""The available addons: a folder each, with an ``addon.yaml`` that describes it."""
