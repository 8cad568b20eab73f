"""The parts of `scripts/bench.py`: what is measured, by whom, and how it is told."""
