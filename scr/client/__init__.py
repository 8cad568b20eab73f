"""What runs in a program that owns or asks a runtime or a server."""
