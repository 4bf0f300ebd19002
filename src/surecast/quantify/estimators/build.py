"""From what a study names to estimators, with the nearest valid name where it names none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from surecast.quantify.estimators.estimator import Estimator
from surecast.study import kinds
from surecast.study.component import refused
from surecast.study.nearest import suggestion


def build_estimator(spec: Mapping[str, Any]) -> Estimator:
    """The estimator of ``{kind, settings}``."""
    settings = {key: value for key, value in spec.items() if key != "kind"}
    estimator = kinds.resolve("estimator", str(spec["kind"]))(**settings)
    assert isinstance(estimator, Estimator)
    return estimator


def check_estimators(given: Sequence[str | Mapping[str, Any]], valid: Sequence[str]) -> None:
    """Check names and settings of a question's estimators.

    Raises
    ------
    PydanticCustomError
        If one is unknown, cannot answer this question, is named twice, or has a wrong setting.
    """
    seen: set[str] = set()
    for item in given:
        spec: Mapping[str, Any] = {"kind": item} if isinstance(item, str) else item
        kind = str(spec.get("kind", ""))
        if kind not in valid:
            known = kind in kinds.TABLES["estimator"]
            what = "cannot answer this question" if known else "is no estimator"
            raise refused("", f"{kind!r} {what}.", suggestion(kind, valid))
        if kind in seen:
            raise refused("", f"{kind!r} is named twice.", "name each estimator once.")
        seen.add(kind)
        try:
            build_estimator(spec)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            fields = sorted(kinds.resolve("estimator", kind).model_fields)
            remedy = suggestion(where, fields) if first["type"] == "extra_forbidden" else "give it a valid value."
            raise refused("", f"{kind}: {where} = {first.get('input')!r}: {first['msg']}.", remedy) from error
