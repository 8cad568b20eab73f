"""Handlers and processes, watched: deadlines, limits, crashes, output."""
