"""Designs for least squares on given features: repeated projection determinantal processes, volume-rescaled samples.

    design: {kind: determinantal, degree: 4, train: 140, validation: 40, test: 40}
    design: {kind: volume_sampling, features: "mine:last_layer", train: 100, validation: 40, test: 40}

Nearly as few runs as features determine a least-squares fit whose error is within a constant of the best one's
(Nouy and Michel 2023, arXiv 2312.14057); independent points need of the order of m log m. Each training run carries
its weight m/k(x) in the design's file (`design_weight`; see `surecast.design.features`).

The training runs depend on each other and have not the law of the inputs: they may train a surrogate, and never enter
an estimate. Validation and test runs are independent draws from the law, as in every design.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, field_validator

from surecast.design.design import Design, check_split, random_points
from surecast.design.features import Features, PolynomialFeatures, SampledFeatures, feature_values
from surecast.design.projection import BLOCK, projection_process, weights
from surecast.study import kinds, seeds
from surecast.study.component import refused
from surecast.study.errors import SurecastError
from surecast.study.points import families

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.component import Problem
    from surecast.study.laws.joint import JointLaw
    from surecast.study.model import Study

WEIGHT = "design_weight"


class FeatureDesign(Design):
    """A design whose training runs suit least squares on some features."""

    features: str = Field(
        default="polynomials",
        description="`polynomials` of the inputs, orthonormal under their law; or `my_module:function`, from inputs "
        "to an array (run, feature), for example the last layer of a network.",
    )
    degree: int = Field(default=3, ge=1, le=60, description="Degree of the polynomials.")
    norm: float = Field(default=1.0, gt=0, le=1, description="1 for the total degree; less leaves out products.")
    candidates: int = Field(
        default=20_000, ge=1000, le=1_000_000, description="Draws from the input law that a function's features see."
    )

    of_the_law: ClassVar[bool] = False

    @field_validator("features")
    @classmethod
    def _named(cls, value: str) -> str:
        if value != "polynomials" and ":" not in value:
            raise refused("", "is neither `polynomials` nor a function.", "write `my_module:my_function` for your own.")
        return value

    def code(self) -> tuple[str, ...]:
        """See `Design.code`."""
        return (self.features,) if ":" in self.features else ()

    def problems(self, study: Study) -> Iterator[Problem]:
        """Fewer runs than features determine nothing."""
        try:
            size = self.basis(study.joint_law(), study.seed, study.folder)[0].size
        except SurecastError as error:
            yield "features", error.message, error.remedy
            return
        if self.train < size:
            yield (
                "train",
                f"is fewer than the {size} features: least squares would not be determined.",
                f"write `train: {size}` or more; good fits need some {2 * size}.",
            )

    def basis(self, law: JointLaw, study_seed: int, folder: str | Path = ".") -> tuple[Features, xr.Dataset | None]:
        """Orthonormal features, and the candidate inputs where they are those of a function.

        Raises
        ------
        StudyError
            If there are too many features, or they are no features.
        EstimationError
            If a law is discrete and the features are polynomials.
        """
        if self.features == "polynomials":
            law.require_continuous("a design for polynomials")
            return PolynomialFeatures(families(law), self.degree, self.norm), None
        function = kinds.resolve("design", self.features, folder)
        stream = seeds.generator(study_seed, "design", "candidates")
        inputs = law.from_uniform(np.maximum(stream.random((self.candidates, law.dimension)), 2.0**-54))
        return SampledFeatures(feature_values(function, inputs)), inputs

    def draw(self, law: JointLaw, study_seed: int, split: str, count: int, folder: str | Path = ".") -> xr.Dataset:
        """Inputs of the first `count` runs of a split, and their weights; see `Design.draw`."""
        check_split(split)
        weight = np.ones(count)
        if split != "train":
            inputs = law.from_uniform(random_points(law.dimension, count, study_seed, split))
        else:
            features, candidates = self.basis(law, study_seed, folder)
            points = self.train_points(features, count, study_seed)
            weight = weights(features, points)
            if candidates is None:
                inputs = self._of_polynomials(law, points)
            else:
                inputs = candidates.isel(run=points[:, 0].astype(np.int64))
        about = {
            "long_name": "weight of the run in least squares: features over the Christoffel function",
            "units": "1",
        }
        return inputs.assign({WEIGHT: ("run", weight, about)})

    @abstractmethod
    def train_points(self, features: Features, count: int, study_seed: int) -> np.ndarray:
        """Points of the first `count` training runs; the first ones never change."""

    def _of_polynomials(self, law: JointLaw, points: np.ndarray) -> xr.Dataset:
        from scipy.special import ndtr

        inside = ndtr(points)
        legendre = np.array([family == "legendre" for family in families(law)])
        inside[:, legendre] = points[:, legendre]
        # Uniforms are exact for Legendre's variables, normals for Hermite's, whose tails uniforms would cut.
        from_uniform = law.from_uniform(np.clip(inside, 2.0**-54, 1 - 2.0**-53))
        if legendre.all():
            return from_uniform
        from_normal = law.from_normal(np.where(legendre, 0.0, points))
        uniform = {name for name, column in law.columns.items() if legendre[column].all()}
        return from_normal.assign({name: from_uniform[name] for name in uniform})


class Determinantal(FeatureDesign):
    """Independent projection determinantal processes, as many points each as features, one after the other.

    Where `train` is no multiple of the number of features, the last process is cut short.
    """

    def train_points(self, features: Features, count: int, study_seed: int) -> np.ndarray:
        """See `FeatureDesign.train_points`."""
        blocks = -(-count // features.size)
        drawn = [
            projection_process(features, seeds.generator(study_seed, "design", "determinantal", block))
            for block in range(blocks)
        ]
        return np.concatenate(drawn)[:count]


class VolumeSampling(FeatureDesign):
    """One projection determinantal process, then independent draws from the Christoffel density."""

    def train_points(self, features: Features, count: int, study_seed: int) -> np.ndarray:
        """See `FeatureDesign.train_points`."""
        drawn = [projection_process(features, seeds.generator(study_seed, "design", "volume_sampling", "process"))]
        for block in range(-(-max(count - features.size, 0) // BLOCK)):
            drawn.append(features.draw(seeds.generator(study_seed, "design", "volume_sampling", block), BLOCK))
        return np.concatenate(drawn)[:count]
