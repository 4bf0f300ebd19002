"""House rules that a machine can check: order of packages, no pickle, no hidden randomness, everything documented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "surecast"
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [str(path.relative_to(SOURCE)) for path in FILES]
TEXT = {".py", ".md", ".smk", ".yaml", ".yml", ".toml", ".cff", ".html", ".css", ".js", ".txt", ".lock", ".json", ""}
HEAVY = ("torch", "sklearn", "matplotlib", "dask", "zarr", "netCDF4", "h5py", "skfem")
TENSOR_FILES = "assemble/formats/neuraloperator.py"
"""The one module for files of others that are pickles inside; it may build nothing but tensors from them."""

each_file = pytest.mark.parametrize("path", FILES, ids=NAMES)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path) -> Iterator[str]:
    """Every module named by an import, and ``module.name`` for what is taken from it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Dotted name of everything that is called by name, with the call."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def tracked() -> list[Path]:
    """Files of the repository that a reader sees, as git lists them (new ones too)."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_packages_import_only_what_lies_below():
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_every_package_has_its_place_in_the_order():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {layer for contract in contracts if contract["type"] == "layers" for layer in contract["layers"]}
    packages = {f"surecast.{path.parent.name}" for path in SOURCE.glob("*/__init__.py")}
    assert packages == layers


@pytest.mark.parametrize("module", ["study.load", "study.check", "study.code", "design.make", "cli.main", "cli.plan"])
def test_planning_a_study_imports_nothing_heavy(module):
    code = f"import sys, surecast.{module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


PUBLIC = {"surecast", "quantify", "report", "problems"}
"""Packages that hand out names of their own to whoever works without Snakemake."""


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_packages_hold_only_a_docstring(path):
    body = tree(path).body
    assert ast.get_docstring(tree(path))
    assert len(body) == 1 or path.parent.name in PUBLIC


@each_file
def test_nothing_is_pickled(path):
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    assert not {name.split(".")[0] for name in imported(path)} & forbidden
    for name, call in called(path):
        if path == SOURCE / TENSOR_FILES and name in ("torch.load", "torch.save"):
            safe = any(entry.arg == "weights_only" and ast.unparse(entry.value) == "True" for entry in call.keywords)
            assert safe or name == "torch.save", f"line {call.lineno}: without weights_only=True"
        else:
            assert name not in ("torch.load", "torch.save"), f"line {call.lineno}: weights are safetensors"
        assert not any(keyword.arg == "allow_pickle" for keyword in call.keywords), f"line {call.lineno}"


@each_file
def test_hdf5_is_known_where_files_of_others_are_alone(path):
    if "h5py" in {name.split(".")[0] for name in imported(path)}:
        assert path.parent == SOURCE / "assemble" / "formats"


@each_file
def test_finite_elements_are_known_in_one_module_alone(path):
    if "skfem" in {name.split(".")[0] for name in imported(path)}:
        assert path == SOURCE / "simulate" / "plane_elasticity.py"


@each_file
def test_no_text_is_run_as_code(path):
    for name, call in called(path):
        assert name not in ("eval", "exec", "compile", "os.system", "__import__"), f"line {call.lineno}: {name}"
        assert not name.endswith((".unsafe_load", ".full_load")), f"line {call.lineno}: YAML that constructs objects"


@each_file
def test_random_numbers_come_from_seeds_of_the_study(path):
    """NumPy's global generator and Python's own depend on what ran before; unseeded ones on nothing at all."""
    assert "random" not in {name.split(".")[0] for name in imported(path)}
    for name, call in called(path):
        where = f"line {call.lineno}: {name}"
        if re.match(r"(np|numpy)\.random\.", name):
            # Constructors with a seed are fine (SeedSequence, Generator ...), functions of the module are not.
            constructor = name.endswith(".default_rng") or name.split(".")[-1][0].isupper()
            assert constructor, f"{where}: take a generator from surecast.study.seeds"
            assert call.args or call.keywords, f"{where} without a seed"
        assert not name.endswith((".RandomState", "torch.seed", "random.seed")), where


@each_file
def test_everything_public_is_documented(path):
    module = tree(path)
    assert ast.get_docstring(module), "the module has no docstring"
    undocumented = []
    for node in module.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            undocumented += [] if ast.get_docstring(node) else [node.name]
            for method in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    undocumented += [] if ast.get_docstring(method) else [f"{node.name}.{method.name}"]
    assert not undocumented


@each_file
def test_files_stay_short_and_finished(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)


def test_tests_lie_where_their_module_does():
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.relative_to(ROOT / "tests").parent
        assert folder.parts[:1] in ((), ("workflow",)) or (SOURCE / folder).is_dir(), path


def test_no_path_or_host_of_one_machine():
    """The project can be cloned anywhere: no absolute path of a machine, no host that only one network knows."""
    private_path = re.compile(r"(?<![\w.\-}>~/])/(?:work|root|home|Users|mnt|scratch)/\w")
    host = re.compile(r"https?://([^/\s:\"'`<>)\]}{$]+)")
    for path in tracked():
        if path.suffix not in TEXT or path.stat().st_size > 2_000_000:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found = private_path.search(text)
        assert found is None, f"{path.relative_to(ROOT)}: {found[0]}"
        for name in host.findall(text):
            public = (
                "." in name and not re.fullmatch(r"[\d.]+", name) and not name.endswith((".internal", ".local", ".lan"))
            )
            assert public or name in ("localhost", "127.0.0.1"), f"{path.relative_to(ROOT)}: {name}"
