"""Fit and prediction of principal components with ridge regression; equations in `pod_ridge`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study.errors import TrainingError
from surecast.study.laws.gaussian_field import GaussianField
from surecast.train.channels import Channels
from surecast.train.data import TrainingData
from surecast.train.fields import FieldSurrogate, grid

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw
    from surecast.study.model import Study
    from surecast.train.models.pod_ridge import PODRidge

PENALTIES = np.logspace(-4, 6, 41)
MOST_FEATURES = 20_000
SECOND = 0.5
"""Scale of products of two features: their penalty is 1 / SECOND^2 times that of the features."""


@dataclass(frozen=True)
class Components:
    """Mean, principal components and regression of one field.

    Parameters
    ----------
    mean : numpy.ndarray
        float64 (points,).
    modes : numpy.ndarray
        phi, float64 (modes, points), orthonormal.
    regression : numpy.ndarray
        float64 (1 + features, modes), the constant first.
    """

    mean: np.ndarray
    modes: np.ndarray
    regression: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Fields float32 (run, points); one product for each run, so that its bits do not depend on neighbours."""
        rows = np.concatenate((np.ones((len(features), 1)), features), axis=1)[:, None, :]
        return (self.mean + np.matmul(np.matmul(rows, self.regression), self.modes)[:, 0]).astype(np.float32)


class PODRidgeSurrogate(FieldSurrogate):
    """Principal components of each field, coefficients by ridge regression on the inputs."""

    settings: PODRidge

    def __init__(
        self,
        study: Study,
        name: str,
        settings: PODRidge,
        fields: list[str],
        channels: Channels,
        components: dict[str, Components],
    ) -> None:
        self.channels, self.components = channels, components
        super().__init__(study, name, settings, fields, channels.axes)

    def predict_fields(self, inputs: xr.Dataset) -> np.ndarray:
        """See `FieldSurrogate.predict_fields`."""
        scalars, scales = self.channels.numbers(inputs)
        features = polynomial(linear_features(self.channels, inputs, scalars), self.settings.degree)
        shape = (len(features), *(len(axis.fine) for axis in self.axes))
        scaled = np.stack([self.components[field](features).reshape(shape) for field in self.fields], axis=1)
        return (scaled * scales).astype(np.float32)

    def record(self) -> dict[str, Any]:
        """See `Surrogate.record`."""
        return self.channels.record()

    def tensors(self) -> dict[str, np.ndarray]:
        """See `Surrogate.tensors`."""
        return {
            f"{field}.{key}": getattr(part, key)
            for field, part in self.components.items()
            for key in ("mean", "modes", "regression")
        }

    @classmethod
    def from_files(
        cls, settings: PODRidge, study: Study, name: str, record: dict[str, Any], tensors: dict[str, np.ndarray]
    ) -> PODRidgeSurrogate:
        """See `SurrogateSettings.restore`."""
        channels = Channels.from_record(study, record)
        fields = list(record["fields"])
        keys = ("mean", "modes", "regression")
        components = {field: Components(*(tensors[f"{field}.{key}"] for key in keys)) for field in fields}
        return cls(study, name, settings, fields, channels, components)


def linear_features(channels: Channels, inputs: xr.Dataset, scalars: np.ndarray) -> np.ndarray:
    """Normalised scalar inputs (of the scaled runs) and the coefficients of fields, float64 (run, feature).

    A coefficient is scaled by the square root of its share of the field's variance, the largest having scale one:
    the penalty then falls on what hardly changes the field.
    """
    columns = [scalars]
    for name in channels.fields:
        field = channels.law.laws[name]
        assert isinstance(field, GaussianField)  # what `channels.fields` means
        eigenvalues = field.expansion().eigenvalues
        columns.append(inputs[name].values * np.sqrt(eigenvalues / eigenvalues.max()))
    return np.concatenate(columns, axis=1)


def polynomial(features: np.ndarray, degree: int) -> np.ndarray:
    """The features and, for degree 2, their products in pairs, scaled so that the penalty prefers the former."""
    if degree == 1:
        return features
    rows, columns = np.triu_indices(features.shape[1])
    return np.concatenate((features, SECOND * features[:, rows] * features[:, columns]), axis=1)


def fit(settings: PODRidge, study: Study, name: str, manifest: Path) -> PODRidgeSurrogate:
    """See `SurrogateSettings.fit`."""
    import xarray as xr
    from threadpoolctl import threadpool_limits

    data = TrainingData(study, manifest)
    fields = data.chosen(settings.fields, data.field_outputs(), "field output")
    channels = Channels.of_dataset(data, fields, grid(data, fields, None))
    _check_size(study.joint_law(), settings.degree)
    inputs = data.inputs("train")
    scalars, scales = channels.numbers(inputs)
    features = polynomial(linear_features(channels, inputs, scalars), settings.degree)
    # A field of few values has no more components than those.
    modes = min(settings.modes, len(features), math.prod(len(axis.fine) for axis in channels.axes))
    components, shares = {}, []
    with threadpool_limits(1):
        for number, field in enumerate(fields):
            components[field], share = _fit_field(data, field, scales[:, number : number + 1], features, modes)
            shares.append(share)
    surrogate = PODRidgeSurrogate(study, name, settings, fields, channels, components)
    about = {"units": "1", "long_name": "share of the variance that the modes up to this one hold"}
    surrogate.history = xr.Dataset(
        {"share": (("field", "mode"), np.stack(shares), about)}, {"field": fields, "mode": np.arange(1, modes + 1)}
    )
    return surrogate


def _fit_field(
    data: TrainingData, field: str, scales: np.ndarray, features: np.ndarray, modes: int
) -> tuple[Components, np.ndarray]:
    from sklearn.decomposition import IncrementalPCA
    from sklearn.linear_model import RidgeCV

    size = max(modes, 64)
    # Block by block, so that memory does not grow with the number of runs.
    decomposition = IncrementalPCA(n_components=modes)
    for scaled in _scaled(data, field, scales, size):
        decomposition.partial_fit(scaled)
    scores = [decomposition.transform(scaled) for scaled in _scaled(data, field, scales, size)]
    regression = RidgeCV(PENALTIES, alpha_per_target=True).fit(features, np.concatenate(scores))
    coefficients = np.concatenate((np.atleast_1d(regression.intercept_)[None], np.atleast_2d(regression.coef_).T))
    part = Components(decomposition.mean_, decomposition.components_, np.ascontiguousarray(coefficients))
    return part, np.cumsum(decomposition.explained_variance_ratio_)


def _scaled(data: TrainingData, field: str, scales: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The field of the scaled training runs, float64 (run, points), block by block."""
    start = 0
    for _, truth in data.blocks([field], "train", size):
        yield (truth / scales[start : start + len(truth)]).reshape(len(truth), -1)
        start += len(truth)


def _check_size(law: JointLaw, degree: int) -> None:
    dimension = sum(part.terms if isinstance(part, GaussianField) else 1 for part in law.laws.values())
    features = dimension if degree == 1 else dimension * (dimension + 3) // 2
    if features > MOST_FEATURES:
        raise TrainingError(
            f"A polynomial of degree {degree} in {dimension} variables has {features} terms, above {MOST_FEATURES}.",
            "set degree: 1, or keep fewer terms of the fields.",
        )
