"""The built-in agents: thin, over what `scr.apps.research` is good at.  One file each."""
