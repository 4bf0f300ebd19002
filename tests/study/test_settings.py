"""Settings that are no components: described in the models and in config/README.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from surecast.study import kinds
from surecast.study.model import Study
from surecast.study.resources import Resources
from surecast.study.settings import Correlation, DatasetSettings, Evaluation, Failures, ReportSettings, Training

README = Path(__file__).resolve().parents[2] / "config/README.md"


@pytest.mark.parametrize(
    "model",
    [Study, Resources, Correlation, DatasetSettings, Evaluation, Failures, ReportSettings, Training],
    ids=lambda m: m.__name__,
)
def test_every_key_is_described(model: type[BaseModel]) -> None:
    """In the code, for the schema, and on the page for readers."""
    text = README.read_text(encoding="utf-8")
    for name, field in model.model_fields.items():
        assert field.description
        assert f"`{name}`" in text or f"{{{name}:" in text or f" {name}: 0.5}}" in text


def test_every_kind_is_on_the_page() -> None:
    """A new row of the table of kinds is a new word there."""
    text = README.read_text(encoding="utf-8")
    for rows in kinds.TABLES.values():
        assert all(f"`{kind}`" in text for kind in rows)


def test_defaults_on_the_page_are_those_of_the_models() -> None:
    """2000 steps of 8 runs, and so on."""
    text = README.read_text(encoding="utf-8")
    training, failures = Training(), Failures()
    assert f"{training.steps}, {training.batch}, the model's own, {training.seeds}, auto, {training.interval}" in text
    assert f"{failures.max_share}; {failures.largest:.0e}".replace("+", "") in text
    assert f"{DatasetSettings().refined_runs}; {DatasetSettings().chunk_mib:g}; {DatasetSettings().shard_mib:g}" in text
    assert f"compared | {Evaluation().baseline_runs} |" in text
