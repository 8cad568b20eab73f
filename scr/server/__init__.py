"""A server: a process of its own that works on the runs of many clients, each run with a runtime of its own."""
