"""The composition root: settings to the tree of specs to a running system."""
