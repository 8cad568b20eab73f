"""What is particular to the kernel: /proc, prctl, control groups, signals."""
