"""What SCR does, as a program that uses it sees it.  One file for each case."""
