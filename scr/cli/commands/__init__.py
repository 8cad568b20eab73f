"""The commands of `scr`, a file for each group."""
