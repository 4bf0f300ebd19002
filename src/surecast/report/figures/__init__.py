"""Figures of the report: one file per figure, drawn once and written as SVG (in the page) and PDF."""
