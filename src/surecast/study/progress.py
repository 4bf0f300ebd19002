"""Progress of long work: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], label: str, total: int | None = None, interval: float = 20.0) -> Iterator[T]:
    """Iterate over `items`, showing progress on standard error.

    Parameters
    ----------
    items : iterable
        What to go through.
    label : str
        What is being done.
    total : int, optional
        Number of items, where `items` has no length.
    interval : float
        Seconds between two lines in a log.
    """
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=label, total=total, leave=False)
        return
    if total is None and isinstance(items, Sized):
        total = len(items)
    start = last = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= interval:
            last = now
            of = "" if total is None else f" of {total}"
            print(f"{label}: {count}{of} after {now - start:.0f} s", file=sys.stderr, flush=True)
