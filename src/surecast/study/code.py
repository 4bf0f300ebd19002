"""Digests of code: a module and, transitively, what it imports inside surecast or the user's folder.

Read from the source by the abstract syntax tree, never by importing: comments, docstrings and
formatting do not count, nothing heavy is loaded, and an edited module is noticed at once.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from surecast.study import digest
from surecast.study.errors import ComponentError
from surecast.study.files import write_text

PACKAGE = Path(__file__).resolve().parents[1]
EXCLUDED = frozenset(
    f"surecast.study.{name}"
    for name in ("kinds", "errors", "progress", "paths", "nearest", "source", "translate", "check")
)
"""They find, refuse, word or show things: nothing in them can change a number."""


_known: dict[tuple[str, str, int, int], tuple[frozenset[str], str]] = {}
"""Path, name, time and size of a file -> what it imports, and its digest."""


def code_digest(targets: Iterable[str | Path], folder: str | Path | None = None) -> str:
    """Digest of the code that targets consist of.

    Parameters
    ----------
    targets : iterable of str or Path
        ``"module"``, ``"module:Class"`` or a file.
    folder : str or Path, optional
        Where the user's modules lie.

    Returns
    -------
    str
        The same as long as no statement in any of the files changes, wherever they lie.
    """
    files = code_files(targets, folder)
    return digest.of_json({name: _read(path, name, *_stamp(path))[1] for name, path in files.items()})


def own_digest(file: str | Path) -> str:
    """Digest of the statements of one file, without what it imports."""
    path = Path(file)
    return _read(path, path.name, *_stamp(path))[1]


def code_files(targets: Iterable[str | Path], folder: str | Path | None = None) -> dict[str, Path]:
    """Modules that targets consist of, by name, sorted.

    Raises
    ------
    ComponentError
        If a target is neither in surecast nor in the user's folder nor an installed module.
    """
    folder = None if folder is None else Path(folder).resolve()
    found: dict[str, Path] = {}
    waiting: list[tuple[str, Path]] = []
    seen: set[str] = set()
    for target in targets:
        waiting.append(_start(target, folder))
    while waiting:
        name, path = waiting.pop()
        if name in found or name in EXCLUDED:
            continue
        found[name] = path
        new = _read(path, name, *_stamp(path))[0] - seen
        seen |= new
        for imported in new:
            place = _locate(imported, folder)
            if place is not None:
                waiting.append((imported, place))
    return dict(sorted(found.items()))


def imported(targets: Iterable[str | Path], folder: str | Path | None = None) -> set[str]:
    """Every name that code of targets imports: modules of any package, and what is imported from them."""
    files = code_files(targets, folder)
    return {name for module, path in files.items() for name in _read(path, module, *_stamp(path))[0]}


def _start(target: str | Path, folder: Path | None) -> tuple[str, Path]:
    if isinstance(target, Path) or target.endswith((".py", ".smk")):
        path = Path(target)
        if not path.is_file():
            raise ComponentError(f"there is no file {path}.", "check the path.")
        return path.name, path
    name = target.partition(":")[0]
    place = _locate(name, folder) or _installed(name)
    if place is None:
        raise ComponentError(f"module {name!r} is not found.", "put it beside the study file or install its package.")
    return name, place


def _locate(name: str, folder: Path | None) -> Path | None:
    """The file of a module of surecast or of the user's folder."""
    steps = name.split(".")
    if steps[0] == "surecast":
        return _module_file(PACKAGE, steps[1:])
    return None if folder is None else _module_file(folder, steps)


def _module_file(root: Path, steps: list[str]) -> Path | None:
    place = root.joinpath(*steps)
    for path in (place.with_suffix(".py") if steps else None, place / "__init__.py"):
        if path is not None and path.is_file():
            return path
    return None


def _installed(name: str) -> Path | None:
    """The file of a user's module that is installed as a package; parents are not imported."""
    import importlib.machinery

    search: list[str] | None = None
    spec = None
    for depth in range(1, name.count(".") + 2):
        spec = importlib.machinery.PathFinder.find_spec(".".join(name.split(".")[:depth]), search)
        if spec is None:
            return None
        search = list(spec.submodule_search_locations or [])
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


def read_known(file: str | Path) -> None:
    """Take over what another process knew of files that have not changed since; see `write_known`."""
    try:
        held = json.loads(Path(file).read_text(encoding="utf-8"))
        if held["python"] == sys.version:
            for path, name, modified, size, imports, code in held["files"]:
                _known.setdefault((path, name, modified, size), (frozenset(imports), code))
    except (OSError, ValueError, KeyError, TypeError):
        return  # none there, or torn: reading the sources again is cheap


def write_known(file: str | Path) -> None:
    """Keep what is known of files as they are now, so that the next process parses only those that have changed."""
    files = [
        [path, name, modified, size, sorted(imports), code]
        for (path, name, modified, size), (imports, code) in sorted(_known.items())
        if Path(path).is_file() and _stamp(Path(path)) == (modified, size)
    ]
    write_text(file, json.dumps({"python": sys.version, "files": files}))


def _read(path: Path, name: str, modified: int, size: int) -> tuple[frozenset[str], str]:
    """What a file imports, and its digest: parsed once for both."""
    key = (str(path), name, modified, size)
    if key not in _known:
        _known[key] = _parsed(path, name)
    return _known[key]


def _parsed(path: Path, name: str) -> tuple[frozenset[str], str]:
    tree = _parse(path)
    imports = frozenset(_found_imports(tree, path, name))
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and _documented(node):
            node.body = node.body[1:]
        waiting.extend(_statements(node))
    return imports, digest.of_bytes(ast.dump(tree, include_attributes=False).encode())


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _found_imports(tree: ast.Module, path: Path, name: str) -> Iterator[str]:
    """Every module that a file may import, inside functions too; packages' own files come along.

    Imports for type checkers alone (``if TYPE_CHECKING:``) do not count.
    """
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield from _with_parents(item.name)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from _with_parents(module)
            for item in node.names:  # what is imported may be a module itself
                yield f"{module}.{item.name}" if module else item.name


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement save those under ``if TYPE_CHECKING:`` and those by which a package offers names late."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__" and len(node.args.args) == 1:
            continue  # of a module: it runs for who asks for such a name, not for who imports the package
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting.extend(node.orelse)
        else:
            waiting.extend(_statements(node))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Statements directly below a node (handlers and cases among them): expressions hold none."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        below = getattr(node, field, ())
        yield from below if isinstance(below, list) else ()


def _with_parents(module: str) -> Iterator[str]:
    steps = module.split(".")
    for stop in range(1, len(steps) + 1):
        yield ".".join(steps[:stop])


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        raise ComponentError(f"{path} is not Python ({error}).", "correct it.") from error
