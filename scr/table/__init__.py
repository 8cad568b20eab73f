"""The shared table: a supervised `multiprocess` Manager dict, and its client."""
