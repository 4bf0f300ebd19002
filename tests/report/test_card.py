"""The card of a dataset: what it says is what is in the dataset, and a damaged one is shown as far as it goes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from card_dataset import FIELDS, SCALARS, SMALL, made
from html_page import Page

from surecast.assemble.open import open_dataset
from surecast.cli.main import main
from surecast.report.card import write_card
from surecast.report.card_data import CardData
from surecast.report.figures.distribution import distribution
from surecast.report.sections.runs import some_runs


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = {name: {"units": "m2/s", "dims": dims} for name, dims in FIELDS.items()}
    outputs |= {name: {"units": "m2/s"} for name in SCALARS}
    content = {
        "simulator": {"kind": "waves:waves"},
        "inputs": {"a": {"kind": "uniform", "low": 0, "high": 1, "units": "m"}},
        "outputs": outputs,
        "design": {"kind": "sobol", "train": 32, "validation": 8, "test": 8},
        "failures": {"max_share": 1.0},
        "seed": 5,
    }
    return made(tmp_path_factory.mktemp("card") / "study", content)


@pytest.fixture(scope="module")
def page(manifest: Path) -> Path:
    path = manifest.with_name("card.html")
    write_card(manifest, path, processes=2)
    return path


def test_page_is_well_formed_and_loads_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    seen = Page(text)
    assert len(seen.identifiers) == len(set(seen.identifiers))
    assert {anchor[1:] for anchor in seen.anchors} <= set(seen.identifiers)
    assert seen.headings[0] == 1
    assert seen.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(seen.headings, seen.headings[1:], strict=False))
    assert all(address.startswith("data:") for address in seen.loaded)
    assert re.search(r"https?://|@import|@font-face|<script", text) is None
    assert len(text.encode()) < 1e6


def test_it_says_what_is_in_the_dataset(manifest: Path, page: Path) -> None:
    text = Page(page.read_text(encoding="utf-8")).text
    data, content = open_dataset(manifest), CardData(manifest).content
    failed = {name: int(content["splits"][name]["failed"]) for name in ("train", "validation", "test")}
    assert sum(failed.values()) == int((data["a"] >= 0.9).sum()) > 0
    assert "u = a cos(x) + t <y>." in text  # and no tag <y>
    assert f"train 32 {failed['train']} 16 47" in text
    assert f"validation 8 {failed['validation']} 8 15" in text
    assert f"{sum(failed.values())} failed run" in text
    good = data["height"].isel(run=(data["split"] == 0) & (data["failed"] == 0)).values
    assert f"height {good.mean():.3f} {good.std():.3f} " in text
    assert "frames the frames m²/s run 48 × time 9 × y 4 × x 300 float32" in text
    for key in ("digest", "design", "code"):
        assert content[key] in text
    assert "no faults" in text
    assert "no discretisation error is stated" in text
    assert "The same in all runs, and not drawn: same." in text


def test_every_field_has_its_picture_and_every_number_its_distribution(manifest: Path, page: Path) -> None:
    labels = Page(page.read_text(encoding="utf-8")).labels
    data = open_dataset(manifest)
    good = {
        name: np.flatnonzero((data["split"] == flag) & (data["failed"] == 0))
        for flag, name in enumerate(("train", "validation", "test"))
    }
    six = [run for runs in good.values() for run in runs[:2]]
    three = [runs[0] for runs in good.values()]
    shown = {
        "frames": (data["frames"].isel(run=three, time=[0, 3, 5, 8]), "12 pictures"),
        "course": (data["course"].isel(run=six), "6 pictures"),
        "end": (data["end"].isel(run=[run for runs in good.values() for run in runs[:4]]), "12 runs over x (m)"),
        "solid": (data["solid"].isel(run=six, z=1), "6 pictures"),
    }
    for name, (values, what) in shown.items():
        values = values.values[..., ::3] if name != "end" else values.values
        said = f"{name}, m²/s: {what}, values from {values.min():.4g} to {values.max():.4g}."
        assert said in labels
    drawn = [label for label in labels if label.startswith("Distribution of")]
    assert len(drawn) == len(["a", "height", "count", "tail"])
    height = data["height"].values[good["test"]]
    said = f"test: mean {height.mean():.4g}, standard deviation {height.std():.3g}"
    assert any(label.startswith("Distribution of height over the height (m²/s).") and said in label for label in drawn)


def test_captions_say_how_to_read_the_pictures(page: Path) -> None:
    text = Page(page.read_text(encoding="utf-8")).text
    assert "The frames; x (m) to the right, y (m) upwards; every third point along x." in text
    assert "The course; x (m) to the right, time (s) upwards; every third point along x." in text
    assert "The solid; x (m) to the right, y (m) upwards; cut at z = 0.500 m; every third point along x." in text
    for time in ("t = 0 s", "t = 0.375 s", "t = 0.625 s", "t = 1.00 s"):
        assert time in text


def test_runs_are_the_first_of_every_split() -> None:
    good = {"train": np.array([9, 10, 12]), "test": np.array([0])}
    assert some_runs(good, 4) == [("train", 9), ("train", 10), ("test", 0)]
    assert some_runs(good, 1) == [("train", 9)]


@pytest.mark.parametrize(
    ("values", "ticks", "edges"),
    [
        ([0, 1, 1, 2, 3], {"0", "1", "2", "3"}, 4),  # a bin for each whole number
        (np.geomspace(1e-9, 1, 200), {"10⁰"}, 14),
        (np.linspace(-2, 2, 200), {"−2", "0", "2"}, 14),
    ],
)
def test_bins_suit_the_values(values: Any, ticks: set[str], edges: int) -> None:
    drawing = distribution("one", "one", "one", {"train": np.asarray(values, dtype=float)})
    texts = set(re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg))
    assert ticks <= texts
    outline = max(re.findall(r'd="([^"]*)"', drawing.svg), key=len)
    assert outline.count("L") + outline.count("M") >= 2 * edges


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("small") / "study", SMALL)


def test_an_input_that_is_a_field_is_drawn_and_its_coefficients_are_not(small: Path) -> None:
    data = CardData(small)
    assert data.fields() == ["initial_field", "solution"]
    assert data.scalars()[0] == "viscosity"


def test_the_same_dataset_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    for processes in (1, 2):
        write_card(small, tmp_path / f"{processes}.html", processes)
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()


@pytest.fixture
def damaged(small: Path, tmp_path: Path) -> Path:
    """A copy with one byte changed in a field and in a number of each run."""
    shutil.copytree(small.parent / "dataset.zarr", tmp_path / "dataset.zarr")
    shutil.copy(small, tmp_path)
    for path in ("solution/c/0/0", "viscosity/c/0"):
        content = bytearray((tmp_path / "dataset.zarr" / path).read_bytes())
        content[40] ^= 1
        (tmp_path / "dataset.zarr" / path).write_bytes(bytes(content))
    return tmp_path / "dataset.json"


def test_what_is_damaged_is_named_and_the_rest_is_shown(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", str(damaged)]) == 1
    said = capsys.readouterr().out
    assert re.search(r"card.html: written from .*dataset.json; \d faults", said)
    assert "chunk 0 of 'solution' has changed" in said
    seen = Page(damaged.with_name("card.html").read_text(encoding="utf-8"))
    assert "Not shown, as they cannot be read: solution." in seen.text
    assert "Not shown, as they cannot be read: viscosity." in seen.text
    assert "chunk 0 of 'viscosity' has changed since it was written." in seen.text
    assert any(label.startswith("initial_field") for label in seen.labels)
    assert not any(label.startswith("solution") for label in seen.labels)


def test_a_dataset_whose_runs_all_failed_has_a_card(tmp_path: Path) -> None:
    content = {
        "simulator": {"kind": "waves:waves"},
        "inputs": {"a": {"kind": "uniform", "low": 0.95, "high": 1, "units": "m"}},
        "outputs": {"end": {"units": "m2/s", "dims": ["x"]}, "height": {"units": "m2/s"}},
        "design": {"kind": "sobol", "train": 4, "validation": 2, "test": 2},
        "failures": {"max_share": 1.0},
    }
    manifest = made(tmp_path / "study", content)
    write_card(manifest, tmp_path / "card.html")
    text = Page((tmp_path / "card.html").read_text(encoding="utf-8")).text
    assert "train 4 4 " in text
    assert "8 failed runs" in text


def test_without_a_dataset_there_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["card", "nothing"]) != 0
    assert "there is no such dataset. Remedy: run snakemake first." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
