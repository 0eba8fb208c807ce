"""A config in several files: `conf.d/*.yaml` beside the config file, merged strictly in the order of their names.

Nothing overrides: what two files give is a mistake that names both. A mapping of names may be spread over files by its
entries, never an entry by its keys.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from inboxwatch.config import document
from inboxwatch.config.document import Document
from inboxwatch.config.problem import ConfigError, ConfigProblem
from inboxwatch.config.problem import Path as Place

FOLDER = "conf.d"
"""Beside the config file."""


def read(path: Path) -> tuple[Document, tuple[Path, ...]]:
    """(a config file with its drop-ins as one document, those drop-ins). Raises ConfigError where one is no YAML."""
    whole, files = document.read(path), _files_of(path)
    unreadable: list[ConfigProblem] = []
    for file in files:
        try:
            part = document.read(file)
        except ConfigError as error:
            unreadable += error.problems
        else:
            _merge(whole, part, f"{FOLDER}/{file.name}", path.name)
    if unreadable:
        raise ConfigError([*whole.problems, *unreadable])
    return whole, tuple(files)


def _files_of(path: Path) -> list[Path]:
    """The drop-ins of a config file, in the order in which they are read. Raises ConfigError."""
    folder = path.parent / FOLDER
    try:
        found = sorted((one for one in folder.iterdir() if not one.name.startswith(".")), key=lambda one: one.name)
        found = [one for one in found if one.suffix in {".yaml", ".yml"}]
        trusted = {0, os.geteuid(), path.stat().st_uid}
        problems = [_why_not(one, trusted) for one in [folder, *found] if found]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError([ConfigProblem(str(folder), f"cannot be read: {error.strerror}")]) from None
    if wrong := [one for one in problems if one]:
        raise ConfigError(wrong)
    return found


def _why_not(path: Path, trusted: set[int]) -> ConfigProblem | None:
    """Nobody else may add to a config: it can name programs that are run (`password_command`)."""
    if path.suffix == ".yml":
        return ConfigProblem(str(path), f"is not read: name it {path.stem}.yaml")
    try:
        status = path.stat()
    except OSError as error:
        return ConfigProblem(str(path), f"cannot be read: {error.strerror}")
    if status.st_uid not in trusted:
        return ConfigProblem(str(path), "belongs to another user than the config file")
    if status.st_mode & stat.S_IWOTH:
        return ConfigProblem(str(path), "can be written by everybody on this machine: chmod o-w it")
    return None


def _merge(whole: Document, part: Document, file: str, main: str) -> None:
    whole.problems += (ConfigProblem(problem.path, problem.message, problem.line, file) for problem in part.problems)
    for name, section in part.data.items():
        here: Place = (name,)
        if name not in whole.data:
            whole.data[name] = section
            _take(whole, part, here, file)
        elif isinstance(section, dict) and isinstance(whole.data[name], dict):
            for key, entry in section.items():
                if key in whole.data[name]:
                    _twice(whole, part, (name, key), (file, main))
                else:
                    whole.data[name][key] = entry
                    _take(whole, part, (name, key), file)
        else:
            _twice(whole, part, here, (file, main))


def _take(whole: Document, part: Document, place: Place, file: str) -> None:
    whole.files[place] = file
    whole.lines |= {at: line for at, line in part.lines.items() if at[: len(place)] == place}


def _twice(whole: Document, part: Document, place: Place, names: tuple[str, str]) -> None:
    file, main = names
    first = f"first in {whole.file_of(place) or main} on line {whole.lines[place]}"
    whole.problem(place, f"is given twice, {first}", at=(file, part.lines[place]))
