"""How processes come into being, and how their ends are seen."""
