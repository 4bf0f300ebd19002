"""Malformed studies: each is refused before anything runs, with file, line, key, value and remedy, leaving no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from surecast.cli.main import main
from surecast.study.errors import StudyError
from surecast.study.load import load_study

# Each: what is replaced, by what, then what the message must hold: line, key, value, words of reason and remedy.
Case = tuple[str, str, int, str, str, str]
CASES: dict[str, Case] = {
    # Wrong types
    "text for a number": ("low: 0.0", "low: zero", 5, "inputs.a.low", "zero", "must be a valid number"),
    "quoted number": ("low: 0.0", "low: '0'", 5, "inputs.a.low", "'0'", "must be a valid number"),
    "truth value for a number": ("scale: 2.0", "scale: true", 6, "inputs.b.scale", "true", "must be a valid number"),
    "yes is text": ("seed: 3", "seed: yes", 2, "seed", "yes", "must be a valid integer"),
    "fraction of a run": ("train: 16", "train: 16.5", 12, "design.train", "16.5", "must be a valid integer"),
    "whole number with a point": ("train: 16", "train: 16.0", 12, "design.train", "16.0", "write 16"),
    "list for a mapping": ("{kind: gamma, a: 2.5}", "[1, 6]", 7, "inputs.c", "[1, 6]", "mapping of keys"),
    "null for a mapping": ("{steps: 10, batch: 2, seeds: [0, 1]}", "", 15, "training", "null", "mapping of keys"),
    "number for a list": ("seeds: [0, 1]", "seeds: 3", 15, "training.seeds", "3", "must be a list"),
    "not a number": ("low: 0.0", "low: .nan", 5, "inputs.a.low", ".nan", "must be a finite number"),
    "infinite": ("high: 1.0", "high: .inf", 5, "inputs.a.high", ".inf", "must be a finite number"),
    # Unknown and missing keys
    "unknown key": ("seed: 3", "sead: 3", 2, "sead", "3", "did you mean 'seed'"),
    "unknown setting of a law": ("high: 1.0", "hihg: 1.0", 5, "inputs.a.hihg", "1.0", "did you mean 'high'"),
    "unknown setting of training": ("batch: 2", "bacth: 2", 15, "training.bacth", "2", "did you mean 'batch'"),
    "unknown setting of a design": ("train: 16", "trian: 16", 12, "design.trian", "16", "did you mean 'train'"),
    "unknown setting of a question": (
        "runs: 100",
        "rnus: 9",
        17,
        "questions.averages.rnus",
        "9",
        "did you mean 'runs'",
    ),
    "unknown setting of a surrogate": (
        "{kind: gaussian_process}",
        "{kind: gaussian_process, fieldz: [y]}",
        14,
        "surrogates.gp.fieldz",
        "[y]",
        "unknown key",
    ),
    "unknown argument of the function": ("factor: 2.0", "faktor: 2.0", 3, "simulator", "faktor", "cannot be called"),
    "setting of training missing kind": ("{kind: sobol, train", "{train", 12, "design.kind", "not given", "add it"),
    "simulator missing": ("simulator: {", "description: x # {", 1, "simulator", "not given", "add it: simulator is"),
    "law's parameter missing": (", high: 1.0", "", 5, "inputs.a.high", "not given", "needs low and high"),
    "shape missing": ("kind: norm,", "kind: lognorm,", 6, "inputs.b.s", "not given", "add it: s is: Shape parameter"),
    # Kinds
    "unknown law": ("kind: uniform", "kind: unifrom", 5, "inputs.a.kind", "unifrom", "did you mean 'uniform'"),
    "unknown design": ("kind: sobol", "kind: sobel", 12, "design.kind", "sobel", "did you mean 'sobol'"),
    "unknown surrogate": (
        "gaussian_process",
        "gaussian_proces",
        14,
        "surrogates.gp.kind",
        "gaussian_proces",
        "did you",
    ),
    "unknown question": ("kind: moments", "kind: moment", 17, "questions.averages.kind", "moment", "'moments'"),
    "unknown simulator": (
        '"double:double", factor: 2.0',
        "groundwatr",
        3,
        "simulator.kind",
        "groundwatr",
        "groundwater",
    ),
    "unknown output kind": (
        "kind: variable",
        "kind: varable",
        11,
        "outputs.y.kind",
        "varable",
        "did you mean 'variable'",
    ),
    "path that does not import": ("double:double", "dubble:double", 3, "simulator.kind", "dubble", "beside the study"),
    "no such name in the module": ("double:double", "double:duoble", 3, "simulator.kind", "duoble", "mean 'double'"),
    "malformed dotted path": ("double:double", "double.py:double()", 3, "simulator.kind", "double()", "module:name"),
    "function as a design": ("kind: sobol", "kind: 'double:double'", 12, "design.kind", "double", "no component"),
    # Units
    "no unit": ("high: 1.0, units: m", "high: 1.0, units: metre_s_", 5, "inputs.a.units", "metre_s_", "m2/day"),
    "unit of an output": (
        "variable, units: m",
        "variable, units: furlongz",
        11,
        "outputs.y.units",
        "furlongz",
        "no unit",
    ),
    "number as unit": (
        "high: 1.0, units: m",
        "high: 1.0, units: 5",
        5,
        "inputs.a.units",
        "5",
        "must be a valid string",
    ),
    # Laws
    "low above high": ("low: 0.0", "low: 2.0", 5, "inputs.a.high", "1.0", "greater than low"),
    "negative scale": ("scale: 2.0", "scale: -2.0", 6, "inputs.b.scale", "-2.0", "greater than 0"),
    "impossible shape": (
        "kind: norm,",
        "kind: lognorm, s: -1.0,",
        6,
        "inputs.b",
        "s: -1.0",
        "impossible for 'lognorm'",
    ),
    "empty truncation": (
        "scale: 2.0",
        "scale: 2.0, lower: 3, upper: 3",
        6,
        "inputs.b.lower",
        "3",
        "widen the truncation",
    ),
    "truncation without probability": ("scale: 2.0", "scale: 2.0, lower: 1000", 6, "inputs.b.lower", "1000", "widen"),
    "integers the wrong way": (
        "{kind: gamma, a: 2.5}",
        "{kind: integer, low: 7, high: 6}",
        7,
        "inputs.c.high",
        "6",
        "swap them",
    ),
    "mixed parametrisations": (
        "low: 0.0,",
        "low: 0.0, loc: 0.0,",
        5,
        "inputs.a",
        "loc: 0.0",
        "give low and high alone",
    ),
    "probabilities": (
        "{kind: gamma, a: 2.5}",
        "{kind: categorical, values: [1.0, 2.0], probabilities: [0.5, 0.6]}",
        7,
        "inputs.c.probabilities",
        "[0.5, 0.6]",
        "sum to 1.1",
    ),
    "number of probabilities": (
        "{kind: gamma, a: 2.5}",
        "{kind: categorical, values: [1.0, 2.0], probabilities: [1.0]}",
        7,
        "inputs.c.probabilities",
        "[1.0]",
        "give one for each value",
    ),
    "table that is not there": (
        "{kind: gamma, a: 2.5}",
        "{kind: empirical, table: rain.csv, column: depth}",
        7,
        "inputs.c.table",
        "rain.csv",
        "check the path",
    ),
    "negative variance": (
        "{kind: gamma, a: 2.5}",
        "{kind: gaussian_field, variance: -1.0, length: 0.2, terms: 4}",
        7,
        "inputs.c.variance",
        "-1.0",
        "greater than 0",
    ),
    "negative length": (
        "{kind: gamma, a: 2.5}",
        "{kind: gaussian_field, variance: 1.0, length: -0.2, terms: 4}",
        7,
        "inputs.c.length",
        "-0.2",
        "greater than 0",
    ),
    "unknown covariance": (
        "{kind: gamma, a: 2.5}",
        "{kind: gaussian_field, variance: 1.0, length: 0.2, terms: 4, covariance: matern}",
        7,
        "inputs.c.covariance",
        "matern",
        "squared_exponential",
    ),
    "more terms than there are": (
        "{kind: gamma, a: 2.5}",
        "{kind: gaussian_field, dimensions: 1, variance: 1.0, length: 10.0, terms: 200}",
        7,
        "inputs.c.terms",
        "200",
        "or fewer",
    ),
    "no terms": (
        "{kind: gamma, a: 2.5}",
        "{kind: gaussian_field, variance: 1.0, length: 0.2, terms: 0}",
        7,
        "inputs.c.terms",
        "0",
        "greater than or equal to 1",
    ),
    # Correlations
    "correlation of one": ("value: 0.5", "value: 1.0", 9, "correlations[0].value", "1.0", "less than 1"),
    "correlation with itself": ("[a, b]", "[a, a]", 9, "correlations[0].between", "[a, a]", "two different inputs"),
    "correlation of a discrete law": (
        "{kind: gamma, a: 2.5}\ncorrelations:\n",
        "{kind: integer, low: 1, high: 6}\ncorrelations:\n  - {between: [a, c], value: 0.1}\n",
        8,
        "correlations",
        "[a, c]",
        "continuous laws",
    ),
    "discrete law under a Gaussian process": (
        "{kind: gamma, a: 2.5}",
        "{kind: integer, low: 1, high: 6}",
        14,
        "surrogates.gp.kind",
        "gaussian_process",
        "cannot treat input 'c', whose law 'integer' is discrete",
    ),
    "correlation of a stranger": ("[a, b]", "[a, bb]", 8, "correlations", "bb", "did you mean 'b'"),
    "correlations that cannot be": (
        "{kind: gamma, a: 2.5}\ncorrelations:\n",
        "{kind: norm}\ncorrelations:\n  - {between: [a, c], value: 0.9}\n  - {between: [b, c], value: -0.9}\n",
        8,
        "correlations",
        "value: -0.9",
        "not positive definite",
    ),
    "correlated twice": (
        "correlations:\n",
        "correlations:\n  - {between: [b, a], value: 0.1}\n",
        8,
        "correlations",
        "value: 0.1",
        "keep one",
    ),
    # Names
    "duplicate key": ("seed: 3", "seed: 3\nseed: 4", 3, "seed", "4", "stands twice (first on line 2)"),
    "duplicate input": ("  c: {", "  a: {", 7, "inputs.a", "{...}", "stands twice (first on line 5)"),
    "output named as an input": (
        "  y: {kind: variable,",
        "  a: {kind: variable,",
        11,
        "outputs.a",
        "variable",
        "rename",
    ),
    "name with a space": ("  y: {", "  my y: {", 11, "outputs.my y", "variable", "must start with a letter"),
    "reserved name": ("  b: {", "  run: {", 6, "inputs.run", "norm", "choose another name"),
    "reserved surrogate": ("  gp: {", "  best: {", 14, "surrogates.best", "gaussian_process", "meaning of its own"),
    "unknown output of a question": (
        "of: [y]",
        "of: [z]",
        17,
        "questions.averages.of",
        "[z]",
        "there is no output 'z'",
    ),
    "surrogate that is not defined": (
        "surrogate: gp",
        "surrogate: gpp",
        17,
        "questions.averages.surrogate",
        "gpp",
        "did you mean 'gp'",
    ),
    "best of none": (
        "surrogates:\n  gp: {kind: gaussian_process}\n",
        "",
        15,
        "questions.averages.surrogate",
        "gp",
        "there is no surrogate 'gp'",
    ),
    "no inputs": ("inputs:\n", "inputs: {}\nremoved:\n", 4, "inputs", "{}", "at least 1"),
    # Numbers out of bounds
    "no runs": ("train: 16", "train: 0", 12, "design.train", "0", "greater than or equal to 1"),
    "negative runs": ("test: 8", "test: -8", 12, "design.test", "-8", "greater than or equal to 0"),
    "a million million runs": ("train: 16", "train: 1000000000000", 12, "design.train", "1000000000000", "less than"),
    "10^12 runs of a question": (
        "runs: 100",
        "runs: 1000000000000",
        17,
        "questions.averages.runs",
        "1000000000000",
        "less",
    ),
    "tolerance 0": ("runs: 100", "tolerance: 0", 17, "questions.averages.tolerance", "0", "greater than 0"),
    "level above one": ("runs: 100", "level: 95", 17, "questions.averages.level", "95", "less than"),
    "no steps": ("steps: 10", "steps: 0", 15, "training.steps", "0", "greater than or equal to 1"),
    "no seeds": ("seeds: [0, 1]", "seeds: []", 15, "training.seeds", "[]", "at least 1"),
    "a seed twice": ("seeds: [0, 1]", "seeds: [1, 1]", 15, "training.seeds", "[1, 1]", "name different seeds"),
    "negative seed of the study": ("seed: 3", "seed: -3", 2, "seed", "-3", "greater than or equal to 0"),
    "unknown device": ("batch: 2", "device: gpuu", 15, "training.device", "gpuu", "auto takes a GPU"),
    "share of failures": (
        "seed: 3",
        "failures: {max_share: 1.5}",
        2,
        "failures.max_share",
        "1.5",
        "less than or equal",
    ),
    # Too little for what is asked
    "too few validation runs for a surrogate": (
        "validation: 16",
        "validation: 5",
        12,
        "design.validation",
        "5",
        "the question 'averages' ranks surrogates by 10 validation runs at least",
    ),
    "no test runs for a surrogate": ("test: 8", "test: 0", 12, "design.test", "0", "write `test: 20` or more"),
    "negative weight": (
        "{kind: gaussian_process}",
        "{kind: fno, weights: {y: -2.0}}",
        14,
        "surrogates.gp.weights.y",
        "-2.0",
        "greater than or equal to 0",
    ),
    # YAML
    "tag that builds an object": (
        "seed: 3",
        "seed: !!python/object/apply:os.system ['true']",
        2,
        "seed",
        "[...]",
        "remove the tag",
    ),
    "tag of a class": ("title: A small study", "title: !Secret x", 1, "title", "x", "remove the tag"),
    "tag that does not fit": ("seed: 3", "seed: !!int three", 2, "seed", "three", "remove the tag"),
    "unclosed bracket": (
        "{kind: gamma, a: 2.5}",
        "{kind: integer",
        8,
        "study",
        "correlations",
        "check indentation",
    ),
    "tabs": ("  a: {", "\ta: {", 5, "study", "a: {", "not YAML"),
    "merge key": ("seed: 3", "seed: 3\n? [1, 2]\n: 4", 3, "study", "[...]", "put it between quotes"),
    "number as key": ("seed: 3", "3: seed", 2, "study", "3", "put it between quotes"),
    "endless alias": ("seed: 3", "references: &r [*r]", 2, "references", "''", "use fewer aliases"),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a command left in the working directory would be seen in the study's folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_refused(study_file: Path, case: Case) -> None:
    """One message names file, line, key and value, and says what to do."""
    old, new, line, key, value, words = case
    text = study_file.read_text()
    assert old in text, "the case must change the study"
    study_file.write_text(text.replace(old, new, 1))
    error = _refusal(study_file)
    about = [item for item in error.errors if item.key == key]
    assert about, f"nothing was said about {key}: {error}"
    message = str(about[0])
    assert message.startswith(f"{study_file}:{line}: {key} = "), message
    assert value in message
    assert words in message
    assert about[0].remedy
    assert "\n" not in message, "one line for each error"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_refused_by_the_command(study_file: Path, case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    """`surecast check` prints the same, ends with exit code 2 and leaves no file."""
    study_file.write_text(study_file.read_text().replace(case[0], case[1], 1))
    before = _files(study_file.parent)
    assert main(["check", str(study_file)]) == 2
    printed = capsys.readouterr()
    assert f"Error: {study_file}:{case[2]}: {case[3]} = " in printed.err
    assert "Remedy: " in printed.err
    assert not printed.out
    assert _files(study_file.parent) == before


@pytest.mark.parametrize(
    ("content", "value", "words"),
    [
        (b"", "''", "the file is empty"),
        (b"# nothing but a comment\n", "''", "the file is empty"),
        (b"title: caf\xe9\nseed: 3\n", r"b'\xe9\nse'", "save it as UTF-8"),
        (b"\x00\x01\x02", "\\x00", "not YAML"),
        (b"- a\n- b\n", "", "a study is a mapping"),
        (b"just text\n", "just text", "a study is a mapping"),
        (b"a: 1\n---\nb: 2\n", "---", "not YAML"),
        (
            b"a: &x [" + b"1," * 50 + b"1]\n" + b"".join(b"b%d: [%s]\n" % (i, b"*x," * 99) for i in range(40)),
            "",
            "fewer",
        ),
    ],
)
def test_no_study_at_all(tmp_path: Path, content: bytes, value: str, words: str) -> None:
    """Files that hold no study are refused alike."""
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"bad\.yaml:[0-9]+: ") as caught:
        load_study(path)
    assert words in str(caught.value)
    assert value in str(caught.value)
    assert "Remedy: " in str(caught.value)
    assert sorted(tmp_path.iterdir()) == [path]


def test_every_error_is_listed(study_file: Path) -> None:
    """Several errors come together, one line each."""
    text = study_file.read_text().replace("low: 0.0", "low: zero").replace("scale: 2.0", "scale: -2.0")
    study_file.write_text(text.replace("train: 16", "train: 0"))
    error = _refusal(study_file)
    assert {item.key for item in error.errors} == {"inputs.a.low", "inputs.b.scale", "design.train"}
    assert len(str(error).splitlines()) == 3
    assert error.exit_code == 2


def test_the_study_itself_is_right(study_file: Path) -> None:
    """Otherwise the cases above would prove nothing."""
    load_study(study_file).check()


def _refusal(study_file: Path) -> StudyError:
    before = _files(study_file.parent)
    with pytest.raises(StudyError) as caught:
        load_study(study_file).check()
    assert _files(study_file.parent) == before, "nothing may be written"
    return caught.value


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
