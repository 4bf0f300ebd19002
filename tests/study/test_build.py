"""Components built from their place in the file: the user's own classes, and errors of every kind located."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surecast.study.errors import StudyError
from surecast.study.load import load_study

OWN = '''
import numpy as np
from pydantic import Field, field_validator
from surecast.simulate.simulator import Simulator
from surecast.study.component import Component, refused
from surecast.study.errors import ComponentError
from surecast.study.laws.continuous import Continuous


class Ramp(Continuous):
    """Density 2 x / top^2 on [0, top]."""

    top: float = Field(gt=0, description="Largest value.")

    def distribution(self):
        from scipy import stats

        return stats.triang(1.0, scale=self.top)

    @field_validator("top")
    @classmethod
    def _not_thirteen(cls, top):
        if top == 13:
            raise ValueError("thirteen is unlucky")
        if top == 14:
            raise refused("", "fourteen is worse.", "use 15.")
        if top == 16:
            raise ComponentError("sixteen breaks it.", "use 15.")
        return top

    def problems(self, study):
        if self.top > study.seed + 100:
            yield "top", "is too far from the seed.", "lower it."


class NoLaw:
    pass
'''


@pytest.fixture
def own(study_file: Path) -> Path:
    """The small study with a law of the user's own."""
    (study_file.parent / "own_law.py").write_text(OWN)
    text = study_file.read_text()
    study_file.write_text(text.replace("{kind: gamma, a: 2.5}", "{kind: 'own_law:Ramp', top: 2.0, units: m}"))
    return study_file


def test_a_users_own_law(own: Path) -> None:
    """Named by its place, it is a law like any other."""
    study = load_study(own)
    study.check()
    law = study.joint_law()
    inputs = law.from_uniform(np.full((1, law.dimension), 0.25))
    np.testing.assert_allclose(inputs["c"], 2 * np.sqrt(0.25))
    assert '"kind":"own_law:Ramp"' in inputs["c"].attrs["law"]


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("top: 2.0", "top: 13.0", "inputs.c.top", "13.0: thirteen is unlucky. Remedy: top is: Largest value."),
        ("top: 2.0", "top: 14.0", "inputs.c.top", "14.0: fourteen is worse. Remedy: use 15."),
        ("top: 2.0", "top: 16.0", "inputs.c", "sixteen breaks it. Remedy: use 15."),
        ("top: 2.0", "top: 200.0", "inputs.c.top", "200.0: is too far from the seed. Remedy: lower it."),
        ("top: 2.0", "tpo: 2.0", "inputs.c.tpo", "did you mean 'top'"),
        ("own_law:Ramp", "own_law:NoLaw", "inputs.c.kind", "no component of surecast"),
    ],
)
def test_errors_of_components_are_located(own: Path, old: str, new: str, key: str, words: str) -> None:
    """Whatever a component raises or yields names its file, line and key."""
    own.write_text(own.read_text().replace(old, new))
    study = load_study(own)
    with pytest.raises(StudyError) as caught:
        study.check()
    about = [error for error in caught.value.errors if error.key == key]
    assert about, str(caught.value)
    assert str(about[0]).startswith(f"{own}:7: {key} = ")
    assert words in str(about[0])


@pytest.mark.parametrize("statement", ["raise RuntimeError('no licence')", "import sys; sys.exit(3)", "def f(:"])
def test_modules_that_cannot_be_imported(own: Path, statement: str) -> None:
    """Whatever they do while they are imported becomes one message."""
    (own.parent / "own_law.py").write_text(statement + "\n")
    with pytest.raises(StudyError, match=r"inputs\.c\.kind = own_law:Ramp: module 'own_law' cannot be imported"):
        load_study(own).joint_law()


def test_joint_law_collects_the_errors_of_all_laws(study_file: Path) -> None:
    """Not only the first."""
    text = study_file.read_text().replace("high: 1.0", "high: -1.0").replace("scale: 2.0", "scale: 0.0")
    study_file.write_text(text)
    with pytest.raises(StudyError) as caught:
        load_study(study_file).joint_law()
    assert [error.key for error in caught.value.errors] == ["inputs.a.high", "inputs.b.scale"]


def test_unknown_names_asked_for(study_file: Path) -> None:
    """In calls too, the nearest name is given."""
    study = load_study(study_file)
    with pytest.raises(StudyError, match="did you mean 'averages'"):
        study.build_question("avreages")
    with pytest.raises(StudyError, match="there is no 'z' among outputs"):
        study.build_output("z")
