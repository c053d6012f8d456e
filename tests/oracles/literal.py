"""Every named plan as its source tells it: plain floats, loops where the source loops.

`t` counts updates from the piece's start and `n` is the piece's length; a value past the end is the one at
the end. Slow on purpose: the reader should see the paper, not the library.
"""

import math
from collections.abc import Sequence

Number = float


def constant(t: int, n: int, value: float = 1.0) -> float:
    """No source needed."""
    return value


def warmup(t: int, length: int, start: float = 0.0, shape: str = "linear", first: str = "start") -> float:
    """Goyal et al. 2017 (arXiv:1706.02677, 2.2): "increment ... by a constant amount at each iteration"."""
    k = min(t + 1 if first == "step" else t, length)
    value = start
    for done in range(k):
        if shape == "linear":
            value += (1.0 - start) / length
        elif shape == "exponential":  # the same number of equal multiplications
            value *= (1.0 / start) ** (1.0 / length)
        elif shape == "cosine":  # half a cosine read upwards, Loshchilov & Hutter's (5) from min to max
            value = start + (1.0 - start) * 0.5 * (1.0 - math.cos(math.pi * (done + 1) / length))
        else:  # transformers get_wsd_schedule, warmup_type="1-sqrt"
            value = start + (1.0 - start) * (1.0 - math.sqrt(1.0 - (done + 1) / length))
    return value


def linear_decay(t: int, n: int, end: float = 0.0, start: float = 1.0, inclusive: bool = False) -> float:
    """torch LinearLR, recursive: previous * (1 + (e-s) / (n*s + (previous step)*(e-s)))."""
    steps = n - 1 if inclusive else n
    if start == 0.0:  # torch refuses it; the increments are equal all the same
        return sum([(end - start) / steps] * min(t, steps))
    value = start
    for k in range(1, min(t, steps) + 1):
        value *= 1.0 + (end - start) / (steps * start + (k - 1) * (end - start))
    return value


def cosine(t: int, n: int, end: float = 0.0, start: float = 1.0, inclusive: bool = False) -> float:
    """Loshchilov & Hutter 2017 (arXiv:1608.03983) equation (5): min + (max-min)(1+cos(pi T_cur/T_i))/2."""
    steps = n - 1 if inclusive else n
    return end + 0.5 * (start - end) * (1.0 + math.cos(math.pi * min(t, steps) / steps))


def polynomial_decay(
    t: int,
    n: int,
    power: float = 1.0,
    end: float = 0.0,
    start: float = 1.0,
    cycle: bool = False,
    inclusive: bool = False,
    length: int | None = None,
) -> float:
    """Keras PolynomialDecay: with cycle the decay length grows to the next whole multiple that holds t."""
    t = min(t, n)
    if cycle:
        assert length is not None
        decay_steps = length
        while decay_steps < t:
            decay_steps += length
    else:
        decay_steps = n - 1 if inclusive else n
        t = min(t, decay_steps)
    if start < end:  # Keras would fall upwards; going up is going down read backwards
        return (end - start) * (t / decay_steps) ** power + start
    return (start - end) * (1.0 - t / decay_steps) ** power + end


def exponential_decay(
    t: int,
    n: int,
    rate: float | None = None,
    factor: float | None = None,
    end: float | None = None,
    every: int = 1,
    staircase: bool = False,
    delay: int = 0,
) -> float:
    """optax exponential_decay: nothing until transition_begin, then rate**((t-begin)/steps), floored by staircase."""
    t = min(t, n)
    if t <= delay:
        return 1.0
    if end is not None:  # the gamma per step that arrives at `end` after n-delay steps
        factor, per = end, n - delay
        done = (t - delay) // every * every if staircase else t - delay
        return factor ** (done / per)
    gamma = math.exp(-rate) if rate is not None else factor
    assert gamma is not None
    value = 1.0
    if staircase:
        for k in range(delay + 1, t + 1):
            if (k - delay) % every == 0:
                value *= gamma
        return value
    for _ in range(delay, t):  # torch ExponentialLR: previous * gamma
        value *= gamma ** (1.0 / every)
    return value


def step_decay(t: int, n: int, every: int, factor: float = 0.1, staircase: bool = True) -> float:
    """torch StepLR: previous * gamma whenever the step is a multiple of step_size."""
    if not staircase:
        return exponential_decay(t, n, factor=factor, every=every)
    value = 1.0
    for k in range(1, min(t, n) + 1):
        if k % every == 0:
            value *= factor
    return value


def multistep(t: int, n: int, milestones: Sequence[int], factor: float = 0.1) -> float:
    """torch MultiStepLR: previous * gamma ** (how often this step stands in the milestones)."""
    value = 1.0
    for k in range(min(t, n) + 1):
        value *= factor ** list(milestones).count(k)
    return value


def inverse_sqrt(t: int, n: int, warmup: int = 0, timescale: float | None = None, start: float = 0.0) -> float:
    """transformers get_inverse_sqrt_schedule; at timescale = warmup Vaswani et al. 2017 (arXiv:1706.03762) (3)."""
    t = min(t, n)
    if t < warmup:
        return start + (1.0 - start) * t / max(1, warmup)
    timescale = timescale or warmup or 10_000
    shift = timescale - warmup
    return 1.0 / math.sqrt((t + shift) / timescale)


def inverse_time(t: int, n: int, rate: float, every: int = 1, staircase: bool = False) -> float:
    """Keras 2 InverseTimeDecay: initial / (1 + decay_rate * step / decay_step), floored by staircase."""
    t = min(t, n)
    return 1.0 / (1.0 + rate * (t // every if staircase else t / every))


def warm_restarts(t: int, n: int, first: int, growth: float = 1.0, peak_decay: float = 1.0, end: float = 0.0) -> float:
    """SGDR (arXiv:1608.03983, 3): cycles of first * growth**i; each peak multiplied as Keras's m_mul does."""
    t = min(t, n)
    begin, exact_end, length, peak = 0, 0.0, float(first), 1.0
    while True:
        exact_end += length
        finish = math.floor(exact_end + 0.5)
        if t < finish or (t == n and finish >= n):
            top = max(peak, end)
            whole = finish - begin
            return end + 0.5 * (top - end) * (1.0 + math.cos(math.pi * (t - begin) / whole))
        begin, length, peak = finish, length * growth, peak * peak_decay


def cyclic_cosine(t: int, n: int, period: int, low: float = 0.0) -> float:
    """Huang et al. 2017 (arXiv:1704.00109) go round without the jump: a whole cosine per period, from its peak."""
    return low + (1.0 - low) * 0.5 * (1.0 + math.cos(2.0 * math.pi * (min(t, n) % period) / period))


def one_cycle(
    t: int,
    n: int,
    peak_at: int,
    start: float = 0.04,
    peak: float = 1.0,
    end: float = 4e-6,
    phases: int = 2,
    anneal: str = "cosine",
) -> float:
    """torch OneCycleLR (Smith & Topin 2018, arXiv:1708.07120): a list of phases, each annealed from a to b."""
    schedule = [(peak_at, start, peak), (n, peak, end)]
    if phases == 3:
        schedule = [(peak_at, start, peak), (2 * peak_at, peak, start), (n, start, end)]
    t, begin = min(t, n), 0
    for finish, a, b in schedule:
        if t <= finish and finish > begin:
            pct = (t - begin) / (finish - begin)
            if anneal == "linear":
                return (b - a) * pct + a
            return b + (a - b) / 2.0 * (math.cos(math.pi * pct) + 1.0)
        begin = finish
    return end


def anneal(
    t: int,
    n: int,
    over: float,
    end: float = 0.0,
    start: float = 1.0,
    shape: str = "linear",
    offset: float = 0.0,
    cycle: str = "none",
    power: float = 1.0,
) -> float:
    """torch OneCycleLR's `_annealing_cos` and `_annealing_linear`, whose phases are real numbers of steps, and the ways
    of transformers' get_wsd_schedule and timm's; again and again by taking one way after the other off the time."""
    t = min(t, n)
    clock, back = t + offset, False
    if cycle == "none":
        clock = min(max(clock, 0.0), over)
    final = cycle == "restart" and t == n  # the last cycle ends with the piece: stay in the one of the step before
    while cycle != "none" and clock - (1 if final else 0) >= over - 1e-9:
        clock, back = clock - over, not back
    while cycle != "none" and clock - (1 if final else 0) < -1e-9:
        clock, back = clock + over, not back
    pct = min(max(clock / over, 0.0), 1.0)
    if cycle == "mirror" and back:
        pct = 1.0 - pct
    if shape == "exponential":
        return start * (end / start) ** pct
    if end > start:  # a warm-up of that shape is the decay read backwards
        start, end, pct = end, start, 1.0 - pct
    if shape == "cosine":
        return end + (start - end) / 2.0 * (math.cos(math.pi * pct) + 1.0)
    left = {"linear": 1.0 - pct, "1-sqrt": 1.0 - math.sqrt(pct), "power": (1.0 - pct) ** power}[shape]
    return end + (start - end) * left


def cyclical(
    t: int,
    n: int,
    low: float,
    half: int,
    down: int | None = None,
    high: float = 1.0,
    mode: str = "triangular",
    gamma: float | None = None,
    inverse: bool = False,
) -> float:
    """torch CyclicLR (Smith 2017, arXiv:1506.01186): cycle, x, then the scale of its mode."""
    t = min(t, n)
    total = half + (half if down is None else down)
    cycle = math.floor(1 + t / total)
    x = 1.0 + t / total - cycle
    ratio = half / total
    height = x / ratio if x <= ratio else (x - 1.0) / (ratio - 1.0)
    scale = {"triangular": 1.0, "triangular2": 0.5 ** (cycle - 1), "exp_range": (gamma or 1.0) ** t}[mode]
    if inverse:
        return high - (high - low) * height * scale
    return low + (high - low) * height * scale


def wsd(
    t: int,
    n: int,
    warmup: int = 0,
    cooldown: int = 0,
    stable: str = "constant",
    cooldown_shape: str = "linear",
    end: float = 0.0,
    start: float = 0.0,
    power: float = 2.0,
    stable_power: float = 1.0,
    timescale: float | None = None,
) -> float:
    """MiniCPM (Hu et al. 2024, arXiv:2404.06395, 4.2): three lines of cases, s < W, s < W+S, and f(s-W-S) after.

    The ways down are transformers' get_wsd_schedule (linear, cosine, 1-sqrt), timm's WSD scheduler for the power and
    the decaying stable stages, and Haegele et al. 2024 (arXiv:2405.18392) for 1-sqrt.
    """
    t = min(t, n)
    if t < warmup:
        return start + (1.0 - start) * t / warmup
    tau = timescale or warmup or 10_000

    def plateau(s: int) -> float:
        decay = {"constant": 0.0, "inverse_sqrt": 0.5, "power": stable_power}[stable]
        return float((1.0 + (s - warmup) / tau) ** -decay)

    if t < n - cooldown:
        return plateau(t)
    top, progress = plateau(n - cooldown), (t - (n - cooldown)) / cooldown
    if cooldown_shape == "exponential":
        return float(top * math.exp(progress * (math.log(end) - math.log(top))))
    factor = {
        "linear": 1.0 - progress,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * progress)),
        "1-sqrt": 1.0 - math.sqrt(progress),
        "power": (1.0 - progress) ** power,
    }[cooldown_shape]
    return end + (top - end) * factor


def pchip_slopes(at: Sequence[float], values: Sequence[float]) -> list[float]:
    """Fritsch & Butland 1984 weights with Moler's three-point ends, as SciPy's PchipInterpolator has them."""
    width = [b - a for a, b in zip(at, at[1:], strict=False)]
    secant = [(b - a) / w for a, b, w in zip(values, values[1:], width, strict=False)]
    if len(at) == 2:
        return [secant[0], secant[0]]
    slopes = [_end_slope(width[0], width[1], secant[0], secant[1])]
    for k in range(1, len(at) - 1):
        before, after = secant[k - 1], secant[k]
        if before * after <= 0:
            slopes.append(0.0)
            continue
        w1, w2 = 2 * width[k] + width[k - 1], width[k] + 2 * width[k - 1]
        slopes.append((w1 + w2) / (w1 / before + w2 / after))
    slopes.append(_end_slope(width[-1], width[-2], secant[-1], secant[-2]))
    return slopes


def _end_slope(h0: float, h1: float, d0: float, d1: float) -> float:
    slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1)
    if slope * d0 <= 0:
        return 0.0
    if d0 * d1 <= 0 and abs(slope) > 3 * abs(d0):
        return 3.0 * d0
    return slope


def points(t: int, n: int, at: Sequence[int], values: Sequence[float], between: str = "linear") -> float:
    """Linear and step by hand; cubic = Fritsch & Carlson 1980 as SciPy's PchipInterpolator evaluates it."""
    if t < at[0]:
        return values[0]
    for k in range(len(at) - 1):
        if at[k] <= t < at[k + 1]:
            x = (t - at[k]) / (at[k + 1] - at[k])
            if between == "step":
                return values[k]
            if between == "linear":
                return values[k] * (1.0 - x) + values[k + 1] * x
            slopes, h = pchip_slopes(at, values), at[k + 1] - at[k]
            return (
                values[k] * (1 + 2 * x) * (1 - x) ** 2
                + slopes[k] * h * x * (1 - x) ** 2
                + values[k + 1] * x * x * (3 - 2 * x)
                + slopes[k + 1] * h * x * x * (x - 1)
            )
    return values[-1]
