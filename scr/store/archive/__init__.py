"""Runs that no runtime works on: listed, checked, repaired, copied, deleted."""
