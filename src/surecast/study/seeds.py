"""Random streams keyed by what they are for, never by which job or part asks for them.

Every stream is `numpy.random.SeedSequence(study_seed, spawn_key=key)` with the key a digest of the
identity (for example ``("train", "fno", 0)``), so that the same study gives the same numbers on any
number of cores, parts or in any order.
"""

from __future__ import annotations

import hashlib

import numpy as np


def seed_sequence(study_seed: int, *identity: str | int) -> np.random.SeedSequence:
    """Seed sequence of one identity.

    Parameters
    ----------
    study_seed : int
        Seed of the study.
    *identity : str or int
        What the stream is for, for example ``"design", "train"``. Strings and integers are kept
        apart: ``"1"`` and ``1`` name different streams.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in identity)
    words = np.frombuffer(hashlib.blake2b(text.encode(), digest_size=16).digest(), dtype="<u4")
    return np.random.SeedSequence(study_seed, spawn_key=tuple(int(word) for word in words))


def generator(study_seed: int, *identity: str | int) -> np.random.Generator:
    """NumPy generator of one identity."""
    return np.random.Generator(np.random.PCG64DXSM(seed_sequence(study_seed, *identity)))


def integer_seed(study_seed: int, *identity: str | int) -> int:
    """A 63-bit integer seed of one identity (for torch, scipy.stats.qmc and outside programs)."""
    return int(seed_sequence(study_seed, *identity).generate_state(1, np.uint64)[0] >> np.uint64(1))
