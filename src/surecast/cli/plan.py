"""The plan of a study: its parts, trainings and questions, and for every job a fingerprint of what decides its result.

A fingerprint holds three digests: of the settings that the job reads, of the code that it runs (the user's
modules included, and what they import), and of the lock file. Snakemake compares it with that of the last time,
so that a job is done again when one of the three changes, and only then. A plan is computed once for the same
files and kept under ``.snakemake/surecast/plans/``; nothing heavy is imported to read it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surecast.study import digest
from surecast.study.errors import StudyError, SurecastError
from surecast.study.paths import Paths

if TYPE_CHECKING:
    from surecast.study.model import Study

STAGES = ("design", "simulate", "assemble", "train", "evaluate", "baselines", "quantify", "report")
PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Plan:
    """What is to be made for one study.

    Attributes
    ----------
    name, title : str
        Name (of the file) and title of the study.
    file : str
        Absolute path of the study file.
    parts : list of str
        Parts of the design, one job of the simulator each.
    surrogates : dict
        Seeds of every surrogate.
    questions : dict
        Names of the surrogates that every question needs.
    fingerprints : dict
        ``{settings, code, lock}`` of every job, by stage and item (``train:fno``, ``simulate:test-0000``).
    """

    name: str
    title: str
    file: str
    parts: list[str]
    surrogates: dict[str, list[int]]
    questions: dict[str, list[str]]
    fingerprints: dict[str, dict[str, str]]

    @property
    def paths(self) -> Paths:
        """Where its results lie, relative to the working directory."""
        return Paths(self.name)

    def fingerprint(self, stage: str, *item: str) -> dict[str, str]:
        """Fingerprint of one job, its wildcards included.

        Raises
        ------
        StudyError
            If the study has no such job.
        """
        held = self.fingerprints.get(_key(stage, *item[:1]))
        if held is None:
            raise self._unknown(stage, " ".join(item))
        # Snakemake compares parameters as text: the order is part of it.
        return {"study": self.name, "item": " ".join(item), **{key: held[key] for key in ("settings", "code", "lock")}}

    def record(self, stage: str, *item: str) -> Path:
        """Where the record of a job lies."""
        folder = self.paths.records
        return folder / stage / f"{'-'.join(item)}.json" if item else folder / f"{stage}.json"

    def is_current(self, stage: str, *item: str) -> bool:
        """Whether the record of a job holds the fingerprint of this plan."""
        try:
            held = json.loads(self.record(stage, *item).read_text(encoding="utf-8"))["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return bool(held == self.fingerprint(stage, *item))

    def trained(self, name: str) -> list[Path]:
        """Settings files of one surrogate, one a seed.

        Raises
        ------
        StudyError
            If the study has no such surrogate.
        """
        if name not in self.surrogates:
            raise self._unknown("train", name)
        return [self.paths.surrogate(name, seed) for seed in self.surrogates[name]]

    def trained_for(self, question: str) -> list[Path]:
        """Settings files of all surrogates that a question needs.

        Raises
        ------
        StudyError
            If the study has no such question.
        """
        if question not in self.questions:
            raise self._unknown("quantify", question)
        return [path for name in self.questions[question] for path in self.trained(name)]

    def _unknown(self, stage: str, item: str) -> StudyError:
        return StudyError(
            f"the study {self.name!r} has no job {stage} {item}.",
            "check the name in the path asked for against the study file.",
            file=self.file,
        )


def lock_digest(envs: str | Path) -> str:
    """Digest of the lock file and of the pinned torch, without comments.

    Raises
    ------
    SurecastError
        If one of them is missing.
    """
    lines: list[str] = []
    for name in ("torch.txt", "requirements.lock"):
        path = Path(envs) / name
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            message = f"{path}: cannot be read ({error.strerror})."
            raise SurecastError(message, "restore it: git checkout envs.") from error
        lines += [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return digest.of_json(lines)


class Plans(dict[str, Plan]):
    """Plans by the name of their study: of those that a configuration asks for, and of any other on demand.

    Parameters
    ----------
    config : mapping
        Has the key ``studies``: names, or paths of study files; one or a list.
    config_dir : path
        Where names are looked up.
    lock : str
        Digest of the lock file.

    Attributes
    ----------
    asked : list of Plan
        Those that the configuration asks for.
    files : dict
        Study file of every plan made so far.

    Raises
    ------
    StudyError
        If the configuration or a study file is wrong.
    """

    def __init__(self, config: Mapping[str, Any], config_dir: str | Path, lock: str) -> None:
        super().__init__()
        self.config_dir, self.lock = Path(config_dir), lock
        self.files: dict[str, str] = {}
        for item in _asked(config):
            made = plan(item, config_dir, lock)
            if self.files.setdefault(made.name, made.file) != made.file:
                raise StudyError(
                    f"two studies are named {made.name!r}, so that their results would lie in one folder.",
                    "rename one of the files.",
                    key="studies",
                    value=item,
                )
            self[made.name] = made
        self.asked = list(self.values())

    def __missing__(self, name: str) -> Plan:
        self[name] = made = plan(name, self.config_dir, self.lock)
        self.files[name] = made.file
        return made


def _asked(config: Mapping[str, Any]) -> list[str]:
    unknown = sorted(set(config) - {"studies", "study_files"})
    if unknown:
        raise StudyError(
            "there is no such setting.", "the only one is `studies`.", key=unknown[0], value=config[unknown[0]]
        )
    asked = config.get("studies")
    asked = [asked] if isinstance(asked, str) else asked
    if not isinstance(asked, list) or not asked or not all(isinstance(item, str) for item in asked):
        raise StudyError(
            "studies are named by one text or a list of texts.",
            "write for example --config studies=[burgers].",
            key="studies",
            value=asked,
        )
    return asked


def plan(study: str | Path, config_dir: str | Path, lock: str, directory: str | Path = ".") -> Plan:
    """Plan of one study, given by name or path; from the cache in `directory` if no file has changed.

    Raises
    ------
    StudyError
        If the study is wrong; nothing is written then.
    """
    cached = Path(directory, ".snakemake", "surecast", "plans", f"{digest.of_json([str(study), str(config_dir)])}.json")
    if cached.is_file():
        content = _read_cache(cached)
        if content is not None and content["lock"] == lock and _watch(content["watched"]) == content["watched"]:
            return Plan(**content["plan"])
    from surecast.study.files import write_json
    from surecast.study.load import find_study, load_study

    loaded = load_study(find_study(study, config_dir).resolve())
    loaded.check()
    made = make_plan(loaded, lock)
    watched = _watch(dict.fromkeys(_watched_files(loaded), ""))
    write_json(cached, {"lock": lock, "watched": watched, "plan": asdict(made)})
    return made


def _read_cache(path: Path) -> dict[str, Any] | None:
    from surecast.study.files import read_json

    try:
        return read_json(path)
    except SurecastError:  # torn by a full disk or edited: a plan is cheap to make again
        return None


def _watch(files: Mapping[str, str]) -> dict[str, str]:
    """Current digest of each file; of a folder, that of the names of its modules; "" where there is none."""
    found = {}
    for name in files:
        path = Path(name)
        if path == PACKAGE:
            found[name] = digest.of_json({str(item): digest.of_file(item) for item in sorted(path.rglob("*.py"))})
        elif path.is_dir():
            found[name] = digest.of_json(sorted(item.name for item in path.iterdir() if item.suffix == ".py"))
        else:
            found[name] = digest.of_file(path) if path.is_file() else ""
    return found


def _watched_files(study: Study) -> list[str]:
    from surecast.study.code import code_files

    targets = {target for stage in _jobs(study) for target in stage[3]}
    own = code_files(sorted(targets), study.folder).values()
    users = [file for file in own if PACKAGE not in file.resolve().parents]
    files = [study.file, study.folder, PACKAGE, *users, *named_files(_content(study), study.folder)]
    return list(dict.fromkeys(str(Path(file).resolve()) for file in files))


def named_files(settings: Any, folder: str | Path) -> list[Path]:
    """Files that settings name (tables of inputs or of a law), relative to the study's folder."""
    if isinstance(settings, Mapping):
        return [path for value in settings.values() for path in named_files(value, folder)]
    if isinstance(settings, (list, tuple)):
        return [path for value in settings for path in named_files(value, folder)]
    if isinstance(settings, str) and 0 < len(settings) < 1024 and "\n" not in settings and "\0" not in settings:
        path = Path(folder) / settings
        return [path] if path.is_file() else []
    return []


def make_plan(study: Study, lock: str) -> Plan:
    """Plan of a study that has been checked."""
    from surecast.design.parts import parts
    from surecast.study.code import code_digest

    codes: dict[tuple[str, ...], str] = {}
    fingerprints = {}
    for stage, item, settings, targets in _jobs(study):
        targets = tuple(sorted(set(targets)))
        if targets not in codes:
            codes[targets] = code_digest(targets, study.folder)
        files = {str(path): digest.of_file(path) for path in named_files(settings, study.folder)}
        tables = {Path(name).name: value for name, value in files.items()}
        fingerprints[_key(stage, *item)] = {
            "settings": digest.of_json([settings, tables]),
            "code": codes[targets],
            "lock": lock,
        }
    return Plan(
        name=study.name,
        title=study.title,
        file=str(Path(study.file).resolve()),
        parts=[part.name for part in parts(study.build_design())],
        surrogates={name: list(study.build_surrogate(name).seeds(study)) for name in study.surrogates},
        questions={name: _needed(study, name) for name in study.questions},
        fingerprints=fingerprints,
    )


def _needed(study: Study, question: str) -> list[str]:
    """Surrogates that a question needs: the one it names, or all if it wants the best."""
    asked = getattr(study.build_question(question), "surrogate", None)
    if asked in (None, "none"):
        return []
    return list(study.surrogates) if asked == "best" else [asked]


def _jobs(study: Study) -> Iterator[tuple[str, tuple[str, ...], dict[str, Any], tuple[str, ...]]]:
    """Stage, item, settings read and code run of every job of a study."""
    from surecast.design.parts import parts
    from surecast.study import kinds

    content = _content(study)

    def settings(*keys: str, **more: Any) -> dict[str, Any]:
        return {key: content[key] for key in keys} | more

    laws = tuple(kinds.target("laws", spec.kind) for spec in study.inputs.values())
    outputs = tuple(kinds.target("output", spec.kind) for spec in study.outputs.values())
    simulator: tuple[str, ...] = (kinds.target("simulator", study.simulator.kind),)
    if ":" in study.simulator.kind:
        simulator += (kinds.USER_FUNCTION,)
    models = {name: kinds.target("surrogate", spec.kind) for name, spec in study.surrogates.items()}
    drawn = ("surecast.design.make", kinds.target("design", study.design.kind), *laws)
    design = {key: value for key, value in content["design"].items() if key != "runs_per_part"}
    rule = {"kind": study.design.kind, **study.build_design().deciding_settings()}
    truth = ("seed", "simulator", "inputs", "correlations", "outputs", "failures")

    yield "design", (), settings("seed", "inputs", "correlations", design=design), drawn
    for part in parts(study.build_design()):
        # The date of the design does not count for a part: what decides its runs stands here.
        runs = [part.split, part.start, part.stop]
        yield (
            "simulate",
            (part.name,),
            settings(*truth, design=rule, runs=runs),
            (
                "surecast.simulate.part",
                *simulator,
                *outputs,
                *drawn,
            ),
        )
    yield (
        "assemble",
        (),
        settings(*truth, "dataset"),
        (
            "surecast.assemble.dataset",
            "surecast.assemble.refinement",
            *simulator,
            *outputs,
            *laws,
        ),
    )
    for name, model in models.items():
        fitted = settings("seed", "inputs", "correlations", "outputs", surrogate=content["surrogates"][name])
        if seeded(study, name):
            # Not the list of seeds: one more seed is one more training.
            fitted["training"] = {key: value for key, value in content["training"].items() if key != "seeds"}
        yield "train", (name,), fitted, ("surecast.train.train", model, *outputs, *laws)
        yield (
            "evaluate",
            (name,),
            settings("outputs", "evaluation", name=name),
            (
                "surecast.evaluate.evaluate",
                model,
                *outputs,
                *laws,
            ),
        )
    yield "baselines", (), settings(*truth, "evaluation"), ("surecast.evaluate.baselines", *simulator, *outputs, *laws)
    for name in study.questions:
        used = tuple(models[surrogate] for surrogate in _needed(study, name))
        yield (
            "quantify",
            (name,),
            settings(*truth, question=content["questions"][name]),
            (
                "surecast.quantify.answer",
                *_question_code(study, name),
                *used,
                *simulator,
                *outputs,
                *laws,
            ),
        )
    yield "report", (), content, ("surecast.report.report",)


def seeded(study: Study, surrogate: str) -> bool:
    """Whether a surrogate is trained by the section `training`; a deterministic fit has one seed of its own."""
    from surecast.train.surrogate import SurrogateSettings

    return type(study.build_surrogate(surrogate)).seeds is not SurrogateSettings.seeds


def _question_code(study: Study, question: str) -> tuple[str, ...]:
    """Code of a question and of the estimators that it names, or of all that may answer it."""
    from surecast.study import kinds

    component = study.build_question(question)
    named = [item if isinstance(item, str) else str(item["kind"]) for item in component.estimators]
    estimators = (kinds.target("estimator", kind) for kind in named or component.answered_by)
    return (kinds.target("question", study.questions[question].kind), *estimators)


def _content(study: Study) -> dict[str, Any]:
    """The study as plain values with defaults filled in, each component with all its settings."""
    content: dict[str, Any] = study.model_dump(mode="json")
    content["simulator"] = {"kind": study.simulator.kind, **study.build_simulator().settings()}
    content["design"] = {"kind": study.design.kind, **study.build_design().settings()}
    for table, build in (
        ("outputs", study.build_output),
        ("surrogates", study.build_surrogate),
        ("questions", study.build_question),
    ):
        specs = getattr(study, table)
        content[table] = {name: {"kind": spec.kind, **build(name).settings()} for name, spec in specs.items()}
    return content


def _key(stage: str, *item: str) -> str:
    return ":".join((stage, *item))
