"""Reads definition files and names every mistake with file, line and column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from builder.definitions.mistakes import Loc, locate, problem_of, spell
from builder.definitions.model import CollectionDefinition, FilesSource, StacSource
from builder.definitions.problems import DefinitionProblems, Problem
from builder.definitions.yamltree import Node, read_tree
from builder.errors import DefinitionError

MAX_BYTES = 256 * 1024
MAX_PROBLEMS = 100
"""Mistakes against the schema that are looked into in one file."""


def load(path: Path) -> CollectionDefinition:
    """Read one definition.

    Raises:
        DefinitionError: The file cannot be read as a definition; ``problems()`` has every mistake.
    """
    return _Loaded(path).definition


Further = Callable[[CollectionDefinition, Mapping[str, CollectionDefinition]], Iterable[tuple[Loc, str, str]]]
"""Looks at a definition among all others by their id, and yields place, message and hint of each mistake."""


def load_all(folder: Path, further: Further | None = None) -> tuple[list[CollectionDefinition], list[DefinitionError]]:
    """Read every ``*.yaml`` and ``*.yml`` file of a folder, by file name; hidden files are left out.

    Args:
        folder: Where they lie.
        further: Checks what the schema cannot know.

    Returns:
        The definitions that can be read and agree with those before them, and the mistakes of the
        others: a collection identifier used twice, or a partner described in two ways, is a mistake
        of the later file.
    """
    loaded: list[_Loaded] = []
    mistakes: list[DefinitionError] = []
    for path in sorted(_files(folder), key=lambda path: path.name):
        try:
            one = _Loaded(path)
            clashes = list(_clashes(one, loaded))
            if clashes:
                raise DefinitionProblems(str(path), clashes, one.text)
        except DefinitionError as mistake:
            mistakes.append(mistake)
        else:
            loaded.append(one)
    if further is not None:
        known = {one.definition.id: one.definition for one in loaded}
        for one in list(loaded):
            found = [one.problem(*mistake) for mistake in further(one.definition, known)]
            if found:
                mistakes.append(DefinitionProblems(str(one.path), found, one.text))
                loaded.remove(one)
    return [one.definition for one in loaded], mistakes


def parse(text: str, where: str) -> tuple[CollectionDefinition, Node]:
    """Read a definition from text, without looking at the file system.

    Returns:
        The definition, and its document with the place of every value.

    Raises:
        DefinitionError: The text is not a definition.
    """
    root, problems = read_tree(text)
    if root is None or root.children is None or root.is_list:
        if not problems:
            first = root or Node(1, 1, 1)
            hint = "begin with `id:`, `title:`, `description:`, `partner:` and `source:`"
            problems = [Problem(first.line, first.column, "a definition is a mapping of keys to values", hint)]
        raise DefinitionProblems(where, problems, text)
    try:
        definition = CollectionDefinition.model_validate_json(
            json.dumps(root.plain()), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as trouble:
        spoilt = {problem.line for problem in problems}
        errors = trouble.errors(include_url=False, include_input=False)
        found = [problem_of(error, root) for error in errors[:MAX_PROBLEMS]]
        if len(errors) > MAX_PROBLEMS:
            rest = f"and {len(errors) - MAX_PROBLEMS} more mistakes"
            found.append(replace(problem_of(errors[MAX_PROBLEMS], root), message=rest, hint=""))
        problems += [problem for problem in found if problem.line not in spoilt]
        raise DefinitionProblems(where, problems, text) from None
    if problems:
        raise DefinitionProblems(where, problems, text)
    return definition, root


class _Loaded:
    """A definition with the text and the places it was read from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = _read(path)
        self.definition, self.root = parse(self.text, str(path))
        outside = list(_outside(self.definition, path.parent))
        if outside:
            raise DefinitionProblems(str(path), [self.problem(loc, message) for loc, message in outside], self.text)

    def problem(self, loc: Loc, message: str, hint: str = "") -> Problem:
        """Make a problem about a value of this file, or about what it lies in where it is missing."""
        place = locate(self.root, loc).place
        return Problem(place.line, place.column, message, hint, place.width)


def _files(folder: Path) -> Iterator[Path]:
    return (
        path
        for path in folder.iterdir()
        if path.suffix in (".yaml", ".yml") and not path.name.startswith(".") and not path.is_dir()
    )


def _read(path: Path) -> str:
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise DefinitionProblems(str(path), [Problem(1, 1, "is a link that leads out of the folder")])
    if not path.is_file():
        raise DefinitionProblems(str(path), [Problem(1, 1, "is not a file")])
    try:
        with path.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
    except OSError as trouble:
        raise DefinitionProblems(str(path), [Problem(1, 1, f"cannot be read: {trouble.strerror}")]) from trouble
    if len(body) > MAX_BYTES:
        raise DefinitionProblems(str(path), [Problem(1, 1, f"larger than {MAX_BYTES // 1024} KiB")])
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        line = body.count(b"\n", 0, trouble.start) + 1
        column = trouble.start - body.rfind(b"\n", 0, trouble.start)
        raise DefinitionProblems(str(path), [Problem(line, column, "not UTF-8", "save the file as UTF-8")]) from trouble


def _outside(definition: CollectionDefinition, folder: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find local paths that leave the folder through a symbolic link; `LocalPath` has refused the plain ones."""
    source = definition.source
    local = {"path": source.path} if isinstance(source, FilesSource) else {}
    if isinstance(source, StacSource):
        local = {"track": source.track}
    for key, value in local.items():
        if value and not (folder / value).resolve().is_relative_to(folder.resolve()):
            loc = ("source", key)
            yield loc, f"`{spell(loc)}` leads out of the folder of the definition"


def _clashes(one: _Loaded, before: list[_Loaded]) -> Iterator[Problem]:
    for other in before:
        if one.definition.id == other.definition.id:
            yield one.problem(("id",), f"the collection `{other.definition.id}` is defined twice", f"see {other.path}")
    mine = one.definition.partner
    for other in before:
        theirs = other.definition.partner
        if mine.id == theirs.id and mine.name != theirs.name:
            message = f"the partner `{mine.id}` is called {theirs.name!r} in {other.path}"
            yield one.problem(("partner", "name"), message, "write the same name, or choose another partner id")
            return
