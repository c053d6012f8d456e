"""Which function trains: named by file or module, so that any process can load it afresh."""

import hashlib
import importlib
import importlib.util
import inspect
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calando.errors import LabError, did_you_mean, shown
from calando.lab.reading import own_modules
from calando.lab.script import as_train

__all__ = ["TrainRef", "name_train"]

PYTHON = re.compile(r"python[0-9.]*(\.exe)?")


@dataclass(frozen=True, slots=True)
class TrainRef:
    """A train function as `source:name`; the source is a Python file or an importable module.

    With `arguments` the whole source is a script, which is executed as a program that has these arguments.

    >>> TrainRef("examples/digits_torch.py", "train").text
    'examples/digits_torch.py:train'
    >>> TrainRef("train.py", "train", ("--width", "8")).text
    'python train.py --width 8'
    """

    source: str
    name: str
    arguments: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The spelling for the command line."""
        if self.arguments is not None:
            return shlex.join(("python", *([] if self.is_file else ["-m"]), self.source, *self.arguments))
        return f"{self.source}:{self.name}"

    @property
    def is_file(self) -> bool:
        """Whether the source is a file, not a module's name."""
        return self.source.endswith(".py")

    def file(self) -> Path:
        """The source file; raises LabError when it cannot be found."""
        if self.is_file:
            path = Path(self.source)
            if path.is_file():
                return path
            raise self._missing("no such file")
        try:
            found = importlib.util.find_spec(self.source)
        except (ImportError, ValueError) as error:
            raise self._missing(str(error)) from error
        if found is None or not found.origin or not Path(found.origin).is_file():
            raise self._missing("no such module")
        return Path(found.origin)

    def fingerprint(self) -> str:
        """SHA-256 of the source file, in hex; of a script with its arguments and what it imports from its folder."""
        file = self.file()
        content = hashlib.sha256(file.read_bytes())
        if self.arguments is not None:
            content.update(repr(self.arguments).encode())
            for path in own_modules(file):
                content.update(hashlib.sha256(path.read_bytes()).digest())
        return content.hexdigest()

    def load(self) -> Callable[[Any], Any]:
        """Import the source and give the function; what the import raises passes through."""
        path = self.file()
        if self.arguments is not None:
            return as_train(self.source, path, self.arguments)
        if self.is_file:
            folder = str(path.resolve().parent)
            if folder not in sys.path:
                sys.path.insert(0, folder)
            name = path.stem if path.stem not in sys.modules else f"calando_train_{path.stem}"
            spec = importlib.util.spec_from_file_location(name, path.resolve())
            if spec is None or spec.loader is None:
                raise self._missing("not a Python file")
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(self.source)
        train: Any = getattr(module, self.name, None)
        if not callable(train):
            names = [n for n, value in vars(module).items() if inspect.isfunction(value)]
            raise LabError(
                given=f"{self.name!r}, which is not a function there{did_you_mean(self.name, names)}",
                allowed=f"one of {', '.join(sorted(names)) or 'the functions (there are none)'}",
                where=self.text,
                fix="name the train function after the colon",
            )
        return train  # type: ignore[no-any-return]

    def _missing(self, problem: str) -> LabError:
        return LabError(
            given=f"{problem}: {shown(self.source)}",
            allowed="FILE.py:FUNCTION or MODULE:FUNCTION",
            where="train",
            fix="check the path; it is relative to the folder you are in",
        )


def name_train(train: "str | Callable[[Any], Any]") -> TrainRef:
    """The reference of a train function given as text or as the function itself; or of a script's command line.

    Raises:
        LabError: for a lambda, a closure, a method, or a function typed into a prompt: other processes
            could not load it.

    >>> name_train("digits.py:train").name
    'train'
    >>> name_train("python -m digits.train --width 8").source
    'digits.train'
    """
    if isinstance(train, str):
        if (script := _script(train)) is not None:
            return script
        source, colon, name = train.rpartition(":")
        if not colon:
            source, name = train, "train"
        if not name.isidentifier() or not source:
            raise LabError(
                given=shown(train),
                allowed="FILE.py:FUNCTION or MODULE:FUNCTION",
                where="train",
                fix="write for example examples/digits_torch.py:train",
            )
        return TrainRef(source, name)
    module, name = str(getattr(train, "__module__", "")), str(getattr(train, "__qualname__", ""))
    if not name.isidentifier():
        raise LabError(
            given=shown(train),
            allowed="a function at the top level of a file",
            where="train",
            fix="worker processes load it by name: move it out of the class or function it is in",
        )
    if module != "__main__":
        known = sys.modules.get(module)
        file = getattr(known, "__file__", None)
        return TrainRef(file if file and not _importable(module) else module, name)
    file = getattr(sys.modules["__main__"], "__file__", None)
    if not file or not Path(file).is_file():
        raise LabError(
            given=f"the function {name}, typed into a prompt or a notebook",
            allowed="a function in a file, which worker processes can load",
            where="train",
            fix=f"write it to a file (%%writefile my_train.py) and pass 'my_train.py:{name}'",
        )
    return TrainRef(file, name)


def _script(text: str) -> TrainRef | None:
    """A command line such as `python train.py --width 8`; None for anything that does not begin with python."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    if not words or not PYTHON.fullmatch(Path(words[0]).name) or len(words) == 1:
        return None
    rest = words[2:] if words[1] == "-m" else words[1:]
    if not rest or rest[0].startswith("-") or (words[1] != "-m" and not rest[0].endswith(".py")):
        raise LabError(
            given=shown(text),
            allowed="python FILE.py ARGUMENTS, or python -m MODULE ARGUMENTS",
            where="train",
            fix="name the script right after python; options of python itself are not taken",
        )
    return TrainRef(rest[0], "train", tuple(rest[1:]))


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
