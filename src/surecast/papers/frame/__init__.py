"""What all papers share: how one is stated, found, run, judged and shown."""
