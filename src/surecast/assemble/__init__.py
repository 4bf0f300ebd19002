"""Runs to one labelled dataset; splits, statistics; reading batches for training."""
