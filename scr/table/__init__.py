"""The shared table: a supervised `multiprocess` Manager dict, and its client."""

TABLE_SERVICE = "table"  # its name among the services of a runtime
