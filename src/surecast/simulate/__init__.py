"""The truth: built-in solvers, outside simulators, the run store."""
