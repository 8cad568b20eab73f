"""What others do: one file for each, run by the Python of a venv of their own, configured as their documents advise.

A peer has a function for each case that it can do; `CANNOT` says why it has no other.
"""
