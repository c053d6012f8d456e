"""Plans as readers want them: with the cooldown told where it is the default one."""

import re

from calando.core.plan import Plan, told

__all__ = ["spelled"]

STAGED = re.compile(r"\bwsd\(([^()]*)\)")


def spelled(plan: Plan | str) -> str:
    """The text of a plan with every default cooldown written out; it reads back as an equal plan.

    >>> spelled("wsd()"), spelled("wsd(warmup=300) | constant(0.1)"), spelled("cosine()")
    ('wsd(cooldown=20%)', 'wsd(warmup=300, cooldown=20%) | constant(0.1)', 'cosine()')
    """
    return STAGED.sub(_with_cooldown, plan if isinstance(plan, str) else told(plan))


def _with_cooldown(found: re.Match[str]) -> str:
    from calando.core.plans.wsd import wsd

    given = [part.strip() for part in found[1].split(",") if part.strip()]
    if any(part.startswith("cooldown=") for part in given) or any("=" not in part for part in given[1:2]):
        return found[0]
    usual = next(parameter.default for parameter in wsd.parameters if parameter.name == "cooldown")
    first = 1 if given and (given[0].startswith("warmup=") or "=" not in given[0]) else 0
    return f"wsd({', '.join([*given[:first], f'cooldown={usual}', *given[first:]])})"
