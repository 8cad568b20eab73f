"""The built-in agents: thin, over what `scr.research` is good at.  One file each."""
