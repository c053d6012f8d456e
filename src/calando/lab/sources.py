"""The code and the packages that runs are made with: what they are, and what differs from before."""

import hashlib
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from calando.errors import LabError
from calando.lab.trainref import TrainRef
from calando.records.study import Environment, Study

__all__ = ["Watch", "changed", "loaded_sources", "on_disk", "same_making"]


def loaded_sources(ref: TrainRef) -> dict[str, str]:
    """SHA-256 of every module that is loaded from the train source's own folder tree, by relative path.

    Installed packages, the standard library and calando itself are left out: their versions stand for
    them. A module that is imported only inside the train function is not loaded yet; see `Watch`.

    >>> len(loaded_sources(TrainRef("calando.lab.sources", "changed")))
    0
    """
    return Watch(ref).news()


class Watch:
    """What is loaded from the train source's own folder tree, as it grows: each module is looked at once.

    Args:
        ref: the train function, loaded already.

    >>> Watch(TrainRef("calando.lab.sources", "changed")).news()
    {}
    """

    def __init__(self, ref: TrainRef) -> None:
        self._root = _root(ref)
        self._foreign = [Path(sysconfig.get_paths()["stdlib"]).resolve(), Path(__file__).resolve().parents[1]]
        self._seen: set[str] = set()

    def news(self) -> dict[str, str]:
        """SHA-256 by relative path of what was loaded since the last look; everything at the first."""
        fresh = {name: module for name, module in list(sys.modules.items()) if name not in self._seen}
        self._seen.update(fresh)
        found = {}
        for module in fresh.values():
            file = getattr(module, "__file__", None)
            if not isinstance(file, str) or not file.endswith(".py"):
                continue
            path = Path(file).resolve()
            installed = {"site-packages", "dist-packages"} & set(path.parts)
            if self._root not in path.parents or installed or any(folder in path.parents for folder in self._foreign):
                continue
            with suppress(OSError):  # gone since it was loaded
                found[path.relative_to(self._root).as_posix()] = _digest(path)
        return dict(sorted(found.items()))


def on_disk(ref: TrainRef, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files by their path below the train source's folder, as they are now; without those that are gone.

    >>> on_disk(TrainRef("calando.lab.sources", "changed"), ["nowhere.py"])
    {}
    """
    root, found = _root(ref), {}
    for name in names:
        with suppress(OSError):
            found[name] = _digest(root / name)
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _root(ref: TrainRef) -> Path:
    """The folder of a file; for a module the folder of its outermost package."""
    file = ref.file().resolve()
    if ref.is_file or "." not in ref.source:
        return file.parent
    outermost = getattr(sys.modules.get(ref.source.partition(".")[0]), "__file__", None)
    return Path(outermost).resolve().parent if outermost else file.parent


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The files that are not the same in both.

    >>> changed({"a.py": "1", "b.py": "2"}, {"a.py": "1", "b.py": "3", "c.py": "4"})
    ['b.py', 'c.py']
    """
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def same_making(old: Study, now: Environment, *, more: bool, mixed: bool) -> None:
    """Hold how runs are made now against how the finished runs and stages were made.

    Args:
        old: the study so far.
        now: what the next runs would be made with.
        more: whether there are more runs to make; without, only the code has to be the same.
        mixed: whether other packages, another Python and another number of threads are accepted.

    Raises:
        LabError: naming everything that differs; for the code in any case.
    """
    before = old.environment
    if not old.runs and not old.stages:
        return
    what = "runs" if old.runs else "stages"
    train = old.spec.train_sha256  # compared under its own name, and it may have moved
    names = [
        name
        for name in changed(before.sources, now.sources)
        if train not in (before.sources.get(name), now.sources.get(name))
    ]
    if before.sources and names:
        raise LabError(
            given=f"finished {what} of other code: {', '.join(names[:5])} changed since",
            allowed=f"the code that the finished {what} were made with; runs are compared with one another",
            where=f"study of {old.spec.train}",
            fix="name another folder by --study, or set the old one aside with --fresh",
        )
    wrong = [
        f"{name} was {before.packages[name]} and is {version}"
        for name, version in now.packages.items()
        if before.packages.get(name, version) != version
    ]
    for name, was, is_ in (
        ("Python", before.python, now.python),
        ("threads per worker", before.threads_per_worker, now.threads_per_worker),
    ):
        if was and was != is_:
            wrong.append(f"{name} was {was} and is {is_}")
    if wrong and more and not mixed:
        workers = old.sessions[-1].workers
        raise LabError(
            given=f"finished {what} that were made otherwise: {'; '.join(wrong)}",
            allowed="the same packages, Python and threads per worker; each may change a result",
            where=f"study of {old.spec.train}",
            fix=f"go back to them (it had --workers {workers}), begin anew with --fresh, or accept both with --mixed",
        )
