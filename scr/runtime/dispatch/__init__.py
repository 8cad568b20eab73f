"""The shell of the turn machine: feeds it events and carries its orders out."""
