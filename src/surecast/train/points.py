"""Inputs as points of independent variables, which scalar surrogates learn from; see `surecast.study.points`."""

from __future__ import annotations

from surecast.study.points import families, names, of_families

__all__ = ["families", "names", "of_families"]
