"""A run of research from a command or a server: its request, session, folder and result."""
