"""Small programs, each about one thing: `python -m scr.examples.NAME` runs one, offline and in seconds."""
