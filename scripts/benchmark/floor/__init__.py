"""The same work with bare system calls: what the kernel allows.  One file for each case."""
