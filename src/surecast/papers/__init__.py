"""One file per published system: its claim, and the check that it works here."""
