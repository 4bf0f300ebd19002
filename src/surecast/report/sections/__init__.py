"""Sections of the page: one file (and one template of the same name) each."""
