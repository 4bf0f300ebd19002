"""One file per published system: its claim, and the check that it works here.

A file ``<slug>.py`` in this folder holds a `surecast.papers.frame.paper.Paper` named ``PAPER``, and is found by
being there; hyphens of a slug are underscores in its file's name. `surecast.papers.frame` runs them.
"""
