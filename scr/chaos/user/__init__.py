"""Chaos for agents of one's own: what `scr chaos` and the pytest plugin need."""
