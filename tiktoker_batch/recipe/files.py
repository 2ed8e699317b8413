"""Files that a recipe names, relative to the folder of the file that names them."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tiktoker_batch.errors import RecipeError
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.forms import OwnKind, misfit
from tiktoker_batch.recipe.prompts import (
    PROMPT_VARIABLES,
    builtin_template,
    builtin_templates,
    check_template,
    load_template,
)
from tiktoker_batch.recipe.settings import Found
from tiktoker_batch.recipe.text import no_folder, read_text, unreadable
from tiktoker_batch.shots import Template

MAX_SCRIPT_BYTES = 256 * 1024

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


class Files:
    """Finds and reads what recipes name; each file is looked at once however many videos share it."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self._faults: dict[Path, str | None] = {}
        self._templates: dict[tuple[Path | None, Path | None, str], Template | None] = {}

    def path(self, found: Found) -> Path:
        """Where a named file or folder is."""
        source = self.findings.source
        return source.folder_of(source.locate(found.at)) / str(found.value)

    def absolute(self, found: Found) -> str:
        """The absolute path of a file that must be there."""
        path = self.path(found)
        if path not in self._faults:
            self._faults[path] = unreadable(path)
        fault = self._faults[path]
        if fault:
            self.findings.add(found.at, fault)
        return str(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow links that the user set up)

    def is_there(self, found: Found) -> bool:
        """Whether a file can be read; if not, that is a problem."""
        self.absolute(found)
        return self._faults[self.path(found)] is None

    def image(self, found: Found) -> str:
        """A reference image: an http(s) address, or the absolute path of a file."""
        value: str = found.value
        if not is_address(value):
            return self.absolute(found)
        if not _is_web_address(value):
            self.findings.add(found.at, f"expected a file or an http(s) address, got {value!r}")
        return value

    def own(self, kind: OwnKind, found: Found) -> str:
        """The absolute path of a picture or clip that is there already."""
        if is_address(found.value):
            self.findings.add(found.at, f"expected a file, got {found.value!r}; save what is there and name it")
            return str(found.value)
        path = self.absolute(found)
        fault = misfit(Path(path), kind, found.value) if self.is_there(found) else None
        if fault:
            self.findings.add(found.at, fault)
        return path

    def script(self, found: Found) -> str | None:
        """The text of a script file."""
        if not self.is_there(found):
            return None
        try:
            text, _ = read_text(self.path(found), max_bytes=MAX_SCRIPT_BYTES)
        except RecipeError as error:
            self.findings.stage(error.problems)
            return None
        if not text.strip():
            self.findings.add(found.at, f"the script file {found.value!r} holds no text; write the narration into it")
            return None
        return text

    def templates(self, named: Mapping[str, Found], folder: Found | None) -> dict[str, Template]:
        """The prompt templates of a video, each checked against the variables it may use: those that are ``named``,
        those in the recipe's ``folder`` of them, and the shipped ones.
        """
        own = self._folder(folder) if folder else None
        chosen = {name: self._template(name, named.get(name), own) for name in PROMPT_VARIABLES}
        return {name: template for name, template in chosen.items() if template}

    def _template(self, name: str, named: Found | None, folder: Path | None) -> Template | None:
        if named and not self.is_there(named):
            return None
        path = self.path(named) if named else None
        if path is None and folder is None:
            return builtin_templates()[name]
        if (path, folder, name) not in self._templates:
            self._templates[path, folder, name] = self._load(
                partial(_found, name, path, folder), PROMPT_VARIABLES[name]
            )
        return self._templates[path, folder, name]

    def _folder(self, found: Found) -> Path | None:
        path = self.path(found)
        if path not in self._faults:
            self._faults[path] = no_folder(path)
        fault = self._faults[path]
        if fault:
            self.findings.add(found.at, fault)
        return None if fault else path

    def _load(self, load: Callable[[], Template], variables: Iterable[str]) -> Template | None:
        try:
            template = load()
        except RecipeError as error:
            self.findings.stage(error.problems)
            return None
        self.findings.stage(check_template(template, variables))
        return template


def _found(name: str, path: Path | None, folder: Path | None) -> Template:
    """The template that is named, else the one in the recipe's folder of them, else the shipped one."""
    own = folder / f"{name}.j2" if folder else None
    if path is None and own and own.is_file():
        path = own
    return load_template(path, folder) if path else builtin_template(name, folder)


def is_address(text: str) -> bool:
    """Whether it names no file but something on the web, or tries to."""
    return bool(_ADDRESS.match(text))


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", value)
    except ValueError:
        return False
