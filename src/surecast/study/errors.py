"""The family of errors: each says what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class SurecastError(Exception):
    """Base of every error that surecast raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    remedy : str
        What the reader can do about it.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message if not remedy else f"{message} Remedy: {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process boundaries (Dask, joblib): rebuild them from their parts.
        return (type(self), (self.message, self.remedy))


class StudyError(SurecastError):
    """A study file that cannot be run as it stands.

    Attributes
    ----------
    errors : tuple of StudyError
        Every error found in the file; the error itself where it is the only one.
    """

    exit_code = 2
    errors: tuple[StudyError, ...]

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        file: str | Path | None = None,
        line: int | None = None,
        key: str | None = None,
        value: object = None,
    ) -> None:
        self.reason = message
        self.file, self.line, self.key, self.value = file, line, key, value
        where = "" if file is None else f"{file}" + ("" if line is None else f":{line}") + ": "
        what = "" if key is None else f"{key}" + ("" if value is None else f" = {value!r}") + ": "
        super().__init__(f"{where}{what}{message}", remedy)
        self.errors = (self,)

    @classmethod
    def of(cls, errors: Sequence[StudyError]) -> StudyError:
        """One error that lists all of `errors`, one line each (the error itself where there is only one)."""
        if len(errors) == 1:
            return errors[0]
        every = cls("\n".join(str(error) for error in errors))
        every.errors = tuple(errors)
        return every

    def __reduce__(self) -> tuple[object, ...]:
        if len(self.errors) > 1:
            return (StudyError.of, (self.errors,))
        return (_study_error, (self.reason, self.remedy, self.file, self.line, self.key, self.value))


def _study_error(
    message: str, remedy: str, file: str | None, line: int | None, key: str | None, value: object
) -> StudyError:
    return StudyError(message, remedy, file=file, line=line, key=key, value=value)


class ComponentError(SurecastError):
    """A component (`kind`) that cannot be found, imported or built."""

    exit_code = 2


class DataError(SurecastError):
    """A file whose content is not what was written: torn, edited or of another version."""


class SimulationError(SurecastError):
    """Runs of the simulator that failed, or too many of them."""


class TimeLimitError(SurecastError):
    """The job's time limit is near: what was made is kept, and the job is to be tried again (EX_TEMPFAIL)."""

    exit_code = 75


class TrainingError(SurecastError):
    """A training that cannot go on (diverged, or its data do not fit)."""


class EstimationError(SurecastError):
    """A question that cannot be answered from what it was given."""
