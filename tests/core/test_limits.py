"""What is refused at the edges: odd names and lengths, numbers beyond all bounds, inputs that would take minutes."""

import time
from collections.abc import Callable
from fractions import Fraction

import pytest

import calando
from calando.errors import BadName, BadValue, CalandoError, OutOfRange

HUGE = 10**5000


@pytest.mark.parametrize(
    "text", ["cosine(self=1)", "then(cosine(length=5), cosine(), self=1)", "bundle(cosine(), cls=x)"]
)
def test_an_argument_that_python_uses_itself_is_unknown_here(text: str) -> None:
    with pytest.raises(CalandoError):
        calando.parse(text)
    with pytest.raises(BadName):
        calando.from_json('{"calando": 1, "kind": "plan", "plan": {"name": "cosine", "self": 1}}')


@pytest.mark.parametrize(
    "call",
    [
        lambda: calando.cosine().bind(10)(-HUGE),
        lambda: calando.cosine().bind(10, strict=True)(HUGE),
        lambda: calando.cosine().bind(10).lint(HUGE),
        lambda: calando.cosine().bind(10).preview(width=HUGE),
        lambda: calando.cosine().bind(HUGE),
        lambda: calando.cosine(end=HUGE),
        lambda: calando.warmup(HUGE),
        lambda: calando.repeat(calando.cosine(), times=HUGE),
        lambda: calando.cosine() | "cosine()",  # type: ignore[operator]
        lambda: calando.cosine() * "2",  # type: ignore[operator]
    ],
)
def test_numbers_beyond_all_bounds_and_foreign_values_are_our_errors(call: Callable[[], object]) -> None:
    with pytest.raises(CalandoError):
        call()


def test_a_step_far_past_the_end_is_only_past_the_end() -> None:
    assert calando.linear_decay(end=0.1).bind(10)(HUGE) == 0.1
    with pytest.raises(OutOfRange):
        calando.linear_decay().bind(10)(-1)


@pytest.mark.parametrize(
    "length",
    [
        calando.Length(Fraction(1, 2)),
        calando.Length(Fraction(1, 3), "%"),
        calando.Length(Fraction(-1), "ep"),
        calando.Length(Fraction(1), "days"),
        "1e-500%",
        "0.5",
        ".%",
    ],
)
def test_a_length_that_could_not_be_read_back_is_refused(length: object) -> None:
    with pytest.raises(BadValue):
        calando.warmup(length)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["é", "true", "false", "two words", "", "1st", "x" * 81, 3])
def test_a_name_that_text_could_not_hold_is_not_registered(name: object) -> None:
    with pytest.raises(BadValue):
        calando.register(name, lambda step: 1.0)  # type: ignore[arg-type]


def test_a_name_stands_for_one_function() -> None:
    def power(base: float) -> Callable[[int], float]:
        return lambda step: base**step

    calando.register("half_power", power(0.5))
    with pytest.raises(BadValue, match="one function for a name"):
        calando.register("half_power", power(0.9))


def test_a_function_defined_again_as_in_a_notebook_keeps_its_name() -> None:
    for _ in range(2):
        exec("import calando\ncalando.register('from_a_cell', lambda step: 0.5)", {})
    assert calando.function("from_a_cell").bind(3)(0) == 0.5


@pytest.mark.parametrize(
    "call",
    [
        lambda: calando.repeat(calando.cosine(length=10), growth=1.00001).bind(10**5),
        lambda: calando.repeat(calando.cosine(), growth=1.0001234567891, times=2000).bind(10**6),
        lambda: calando.warm_restarts(first=10, growth=1.00001).bind(10**5),
        lambda: calando.repeat(calando.cosine(length="1.5%"), growth=0.999).bind(10**6),
    ],
)
def test_thousands_of_growing_cycles_are_bound_in_seconds(call: Callable[[], object]) -> None:
    begun = time.process_time()
    call()
    assert time.process_time() - begun < 5.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: calando.warm_restarts(first=10, growth=1.000001).bind(10**7),
        lambda: calando.parse("multistep(milestones=[" + "1," * 90_000 + "1])"),
        lambda: calando.parse("a" * 10_000_000),
        lambda: calando.parse("product(" + "cosine," * 28_000 + "cosine)"),
        lambda: calando.from_json('{"calando":1,"kind":"plan","plan":' + "[" * 1_000_000),
        lambda: calando.from_json('{"a":[' + "1," * 1_200_000 + "1]}"),
        lambda: calando.from_json(b"\xff\xfe" * 1000),
        lambda: calando.then(*[calando.constant(length=1)] * 30_000),
    ],
)
def test_what_is_too_much_is_refused_within_seconds(call: Callable[[], object]) -> None:
    begun = time.process_time()
    with pytest.raises(CalandoError):
        call()
    assert time.process_time() - begun < 10.0  # unrefused they would take minutes; a busy machine is given room
