"""One file per surrogate."""
