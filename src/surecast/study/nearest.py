"""The nearest valid name to one that is not, for error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name most like `name`, or None where none is like it."""
    by_lower = {item.lower(): item for item in sorted(valid)}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None


def suggestion(name: str, valid: Iterable[str], shown: int = 20) -> str:
    """A remedy: the nearest valid name first, then what is valid.

    >>> suggestion("unifrom", ["uniform", "normal"])
    "did you mean 'uniform'? Valid: normal, uniform."
    """
    names = sorted(valid)
    if not names:
        return "remove it: nothing is valid here."
    close = nearest(name, names)
    listed = ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
    return (f"did you mean {close!r}? " if close else "") + f"Valid: {listed}."
