"""surecast: what can be said about the outputs of an expensive simulation, and how surely."""
