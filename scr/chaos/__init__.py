"""Fault injection: seeded faults into a run at work, and a checker of what it has come to."""
