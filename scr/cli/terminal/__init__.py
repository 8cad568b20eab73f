"""What is drawn on a terminal, and the keys that are pressed there."""
