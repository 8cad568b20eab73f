"""Which faults, at what, when: drawn from a seed."""
