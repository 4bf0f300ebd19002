"""Estimators of what the questions ask, each with its interval and verdict."""
