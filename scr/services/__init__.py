"""Supervised agents that serve the others: the shared table, and the agent that fills it."""
