"""The addons there are: a folder each, with an ``addon.yaml`` that says what it is and needs."""
