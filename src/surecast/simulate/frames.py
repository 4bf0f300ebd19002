"""States kept on the way to the final time: at equal times, the final one included."""

from __future__ import annotations

import numpy as np


def require_whole_steps(steps: int, frames: int) -> None:
    """Raise `ValueError` unless every frame falls on a step."""
    if frames and steps % frames:
        raise ValueError(f"steps = {steps} is no multiple of frames = {frames}")


def frame_times(time: float, frames: int) -> np.ndarray:
    """Times of the frames, (max(frames, 1),): the final time alone without any."""
    count = max(1, frames)
    return time * np.arange(1, count + 1) / count


def time_coordinate(time: float, frames: int, units: str = "s") -> dict[str, tuple[str, np.ndarray, dict[str, str]]]:
    """The coordinate ``time`` of the frames; empty without any."""
    return {"time": ("time", frame_times(time, frames), {"units": units, "long_name": "time"})} if frames else {}
