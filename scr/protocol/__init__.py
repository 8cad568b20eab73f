"""What processes say to each other, and the pipe that they say it over."""
