"""Applications that are built on SCR."""
