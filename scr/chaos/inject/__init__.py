"""Faults brought about in the processes of a campaign."""
