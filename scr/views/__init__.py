"""Read models: events and records as rows, lines and objects, for the command line and for pages."""
