"""Layouts of other collections of simulations: read into labelled xarray, and written from a dataset of surecast."""
