"""Steps: how they are named, run, recorded and found again."""
