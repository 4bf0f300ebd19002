"""What is learnt: networks, scalar surrogates, the training loop."""
