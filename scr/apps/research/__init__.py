"""What the built-in agents are good at: finding, citing, checking and writing.  No processes, no agents here."""
