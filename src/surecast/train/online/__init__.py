"""Training while simulating: fresh runs stream through a buffer in memory, and nothing of them is written."""
