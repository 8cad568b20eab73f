"""SCR's own campaigns: workloads, agents that obey orders, clients, rounds."""
