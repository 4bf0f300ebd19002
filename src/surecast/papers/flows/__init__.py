"""Four flows as sets of cases to learn from, and what is known of them."""
