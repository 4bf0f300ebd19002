"""The plan of a study: its parts, trainings and questions, and for every job a fingerprint of what decides its result.

A fingerprint holds three digests: of the settings that the job reads, of the code that it runs (the script of its
rule, the user's modules, what they import, templates), and of the lock file. Snakemake compares it with that of the
last time, so that a job is done again when one of the three changes, and only then. A plan is computed once for the
same files and kept under ``.snakemake/surecast/plans/``; nothing heavy is imported to read it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surecast.cli.jobs import content_of, jobs, named_files, needed
from surecast.cli.needs import Needs, needs_of
from surecast.study import digest
from surecast.study.code import PACKAGE, code_digest, code_files, imported, own_digest, read_known, write_known
from surecast.study.errors import StudyError, SurecastError
from surecast.study.nearest import suggestion
from surecast.study.paths import Paths
from surecast.study.source import Written

if TYPE_CHECKING:
    from surecast.study.model import Study

STAGES = ("design", "simulate", "assemble", "train", "evaluate", "baselines", "quantify", "report")
HEAVY = ("torch", "sklearn.linear_model", "sklearn.gaussian_process")


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
    beside : dict
        Processes that simulate beside the trainings of a surrogate, of those that learn from fresh runs.
    imports : list of str
        Packages that take long to import and that its surrogates use, see `HEAVY`.
    needs : Needs
        What the jobs that run the simulator ask for.
    """

    name: str
    title: str
    file: str
    parts: list[str]
    surrogates: dict[str, list[int]]
    questions: dict[str, list[str]]
    fingerprints: dict[str, dict[str, str]]
    beside: dict[str, int]
    imports: list[str]
    needs: Needs

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
            raise self._unknown(stage, item[0])
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
        """Error for a name in a path that was asked for."""
        from surecast.study.load import read_source

        key, noun, names = {
            "simulate": ("design", "part", self.parts),
            "quantify": ("questions", "question", list(self.questions)),
        }.get(stage, ("surrogates", "surrogate", list(self.surrogates)))
        return StudyError(
            f"the study has no {noun} of this name, which stands in the path asked for.",
            suggestion(item, names),
            file=self.file,
            line=read_source(self.file).line((key,)),
            key=key,
            value=Written(item),
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


def script_digests(scripts: str | Path) -> dict[str, str]:
    """Digest of the statements of each stage's script: Snakemake would compare the dates of the files.

    Raises
    ------
    ComponentError
        If a script is no Python.
    """
    return {stage: own_digest(Path(scripts, f"{stage}.py")) for stage in STAGES}


def plan(
    study: str | Path,
    config_dir: str | Path,
    lock: str,
    scripts: Mapping[str, str],
    directory: str | Path = ".",
    new: Callable[[], None] | None = None,
) -> Plan:
    """Plan of one study, given by name or path; from the cache in `directory` if no file has changed.

    Raises
    ------
    StudyError
        If the study is wrong; nothing is written then.
    """
    kept = Path(directory, ".snakemake", "surecast")
    cached = kept / "plans" / f"{digest.of_json([str(study), str(config_dir)])}.json"
    if cached.is_file():
        content = _read_cache(cached)
        given = {"lock": lock, "scripts": scripts}
        if (
            content is not None
            and given.items() <= content.items()
            and _watch(content["watched"]) == content["watched"]
        ):
            return Plan(**content["plan"] | {"needs": Needs(**content["plan"]["needs"])})
    from surecast.study.files import write_json
    from surecast.study.load import find_study, load_study

    found = find_study(study, config_dir).resolve()
    if new is not None:
        new()
    loaded = load_study(found)
    loaded.check()
    read_known(kept / "code.json")
    made = make_plan(loaded, lock, scripts)
    watched = _watch(dict.fromkeys(_watched_files(loaded), ""))
    write_known(kept / "code.json")
    write_json(cached, {"lock": lock, "scripts": dict(scripts), "watched": watched, "plan": asdict(made)})
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
            found[name] = digest.of_json({str(item): digest.of_file(item) for item in _sources(path)})
        elif path.is_dir():
            found[name] = digest.of_json(sorted(item.name for item in path.iterdir() if item.suffix == ".py"))
        else:
            found[name] = digest.of_file(path) if path.is_file() else ""
    return found


def _sources(package: Path) -> list[Path]:
    """Files of surecast, what is no Python included."""
    return sorted(path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _watched_files(study: Study) -> list[str]:
    targets = {target for job in jobs(study) for target in job.code}
    own = code_files(sorted(targets), study.folder).values()
    users = [file for file in own if PACKAGE not in file.resolve().parents]
    files = [study.file, study.folder, PACKAGE, *users, *named_files(content_of(study), study.folder)]
    return list(dict.fromkeys(str(Path(file).resolve()) for file in files))


def make_plan(study: Study, lock: str, scripts: Mapping[str, str]) -> Plan:
    """Plan of a study that has been checked."""
    from surecast.design.parts import parts
    from surecast.train.online.settings import fresh_runs

    codes: dict[tuple[str, ...], str] = {}
    fingerprints = {}
    heavy: set[str] = set()
    for job in jobs(study):
        targets = tuple(sorted(set(job.code)))
        if job.stage == "train":
            heavy.update(imported(targets, study.folder))
        if targets not in codes:
            codes[targets] = code_digest(targets, study.folder)
        files = {str(path): digest.of_file(path) for path in named_files(job.settings, study.folder)}
        # By its name alone, as a study may lie elsewhere; in two folders there may be two of that name.
        tables = [[Path(name).name, value] for name, value in files.items()]
        fingerprints[_key(job.stage, *job.item)] = {
            "settings": digest.of_json([job.settings, tables]),
            "code": digest.of_json([codes[targets], scripts[job.stage], *map(digest.of_file, job.files)]),
            "lock": lock,
        }
    return Plan(
        name=study.name,
        title=study.title,
        file=str(Path(study.file).resolve()),
        parts=[part.name for part in parts(study.build_design())],
        surrogates={name: list(study.build_surrogate(name).seeds(study)) for name in study.surrogates},
        questions={name: needed(study, name) for name in study.questions},
        fingerprints=fingerprints,
        beside={name: online.workers for name in study.surrogates if (online := fresh_runs(study, name)) is not None},
        imports=[name for name in HEAVY if name in heavy],
        needs=needs_of(study),
    )


def _key(stage: str, *item: str) -> str:
    return ":".join((stage, *item))
