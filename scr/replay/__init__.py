"""A run played again from what it has recorded, without touching the world, and compared with what came of it then."""
