"""What every agent is, and what runs in its process."""
