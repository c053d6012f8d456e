"""What was given to `calando convert`, as a plan: a call, a configuration, or a file."""

import json
import math
from pathlib import Path
from typing import Any, Final, NamedTuple

from calando.cli.calls import Call, read_call
from calando.cli.living import Living, build, check_names
from calando.errors import BadValue, CalandoError, MissingExtra
from calando.peers.base import Converted

__all__ = ["Found", "read_source"]

FILES: Final = ("keras", "deepspeed")
"""Peers that a configuration speaks for, without the library."""


class Found(NamedTuple):
    """What came out: the plans, the meant ones or why there are none, and the measurement or why there is none."""

    call: str
    exact: Converted
    other: Converted | CalandoError
    living: Living | None
    why: str


def read_source(
    peer: str, source: str, rates: tuple[float, ...], horizon: int | None, per: str | None, quirks: bool
) -> Found:
    """What SOURCE means, and the living peer beside it where there is one.

    Raises:
        CalandoError: for what cannot be read or is refused.
    """
    if per is not None and peer not in ("torch", "timm"):
        raise BadValue(
            given=f"--per {per} for {peer}", allowed="torch and timm, which may be stepped once an epoch",
            where="--per", fix="leave it out",
        )  # fmt: skip
    call: Call | None = None
    config: Any = source
    if not (peer in FILES and (source.lstrip().startswith(("{", "[")) or _is_path(source))):
        call = read_call(source)
        if peer == "timm" and call.name in FACTORY:
            if call.args:
                raise BadValue(
                    given=f"{call}: arguments without a name", allowed="create_scheduler_v2's, by their names",
                    where="convert timm", fix=f"name them, such as {call.name}(num_epochs=90)",
                )  # fmt: skip
            call = Call("create_scheduler_v2", (), {"sched": call.name} | call.kwargs)
        check_names(peer, call)
        config = _config(peer, call)
    living, why = None, f"a configuration alone is read: {peer} is not asked"
    if call is None and peer == "deepspeed":
        call, own = _call_of_config(source)
        rates = rates or own
    rates = rates or (1.0,)
    if call is not None:
        try:
            living, why = build(peer, call, rates), ""
        except MissingExtra as error:
            if config is None:
                raise
            why = f"not measured: {error.given}"
    importer = _Importer(peer, living, config, rates, horizon, per)
    exact = importer(quirks)
    other: Converted | CalandoError
    try:
        other = importer(not quirks)
    except CalandoError as error:
        other = error
    return Found(source if call is None or len(source) < 120 else str(call), exact, other, living, why)


FACTORY: Final = ("cosine", "tanh", "step", "constant", "multistep", "poly", "wsd", "rsqrt", "plateau")


def _is_path(source: str) -> bool:
    if source.endswith(".json"):
        return True
    try:
        return len(source) < 4096 and "(" not in source and Path(source).exists()
    except (OSError, ValueError):
        return False


def _config(peer: str, call: Call) -> Any:
    """The configuration that a call stands for, where the importer reads those; None where it does not."""
    if peer == "deepspeed" and not call.args:
        return {"type": call.name, "params": call.kwargs}
    if peer == "keras":
        from calando.peers.keras import SIGNATURES

        names = list(SIGNATURES[call.name])
        return {"class_name": call.name, "config": dict(zip(names, call.args, strict=False)) | call.kwargs}
    return None


def _call_of_config(source: str) -> tuple[Call | None, tuple[float, ...]]:
    """A DeepSpeed configuration's scheduler as a call, so that it can be stepped, and its optimizer's learning rate.

    What cannot be read is left to the importer, which says what is wrong with it.
    """
    try:
        text = source if source.lstrip().startswith("{") else Path(source).read_text(encoding="utf-8")
        config = json.loads(text)
        part = config.get("scheduler", config)
        given = part.get("params")
        call = Call(str(part["type"]), (), dict({} if given is None or isinstance(given, list) else given))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, ()
    try:
        rate = config["optimizer"]["params"]["lr"]
    except (KeyError, TypeError):
        return call, ()
    usable = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < math.inf
    return call, (float(rate),) if usable else ()


class _Importer:
    """The peer's importer with everything that it was given."""

    def __init__(self, peer: str, living: Living | None, config: Any, rates: tuple[float, ...], horizon: int | None,
                 per: str | None) -> None:  # fmt: skip
        self.peer, self.living, self.config, self.rates = peer, living, config, rates
        self.more: dict[str, Any] = {}
        if peer in ("keras", "optax", "deepspeed"):
            self.more["horizon"] = horizon
        if per is not None:
            self.more["per"] = per

    def __call__(self, quirks: bool) -> Converted:
        from calando import peers

        by_config = self.living is None or (self.peer == "deepspeed" and self.config is not None)
        source = self.config if by_config or self.living is None else self.living.source
        more = self.more | ({"lr": list(self.rates)} if self.peer == "deepspeed" and by_config else {})
        found: Converted = getattr(peers, f"from_{self.peer}")(source, quirks=quirks, **more)
        return found
