"""Bodies beyond plain layers, as many side by side as there are rows.

Residual blocks, convolutions of images (with residual blocks, too) and of signals, attention (asked at the last token,
or of all the mean), gated recurrent units, long short-term memory, and layers with a norm each.
"""

from collections.abc import Iterator

import torch
from torch.nn import functional

from bench.watch.labelled.stack import Stack
from bench.watch.labelled.tasks import Task

__all__ = ["stacked"]

WINDOWS = ((4, 2), (3, 1))
"""Side and stride of the windows of the convolutions."""

SIGHTS = ((7, 2), (5, 2), (3, 1))
"""Length and stride of the windows of the convolutions of a signal."""

HEADS = 2


def stacked(task: Task, seeds: list[int], dropout: list[float]) -> Stack:
    """The models of a task, one a seed."""
    bodies = {"plain": Stack, "residual": Residual, "convolution": Convolution, "attention": Attention,
              "recurrent": Recurrent, "signal": Signal, "normed": Normed, "pooled": Pooled, "memory": Memory,
              "steps": Steps}  # fmt: skip
    return bodies[task.body](task, seeds, dropout)


def normed(found: torch.Tensor, gain: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """A layer norm over the last axis of (rows, examples, width)."""
    return torch.addcmul(level, functional.layer_norm(found, found.shape[-1:]), gain)


class Parts(Stack):
    """Weights that are drawn one after another from one source a row, and taken in that order."""

    def drawn(self, seeds: list[int]) -> list[torch.Tensor]:
        """The weights and levels at the start."""
        self.sources = [torch.Generator().manual_seed(7000 + seed) for seed in seeds]
        return list(self.parts())

    def parts(self) -> Iterator[torch.Tensor]:
        """The weights in the order in which `forward` takes them."""
        raise NotImplementedError

    def layer(self, wide: int, narrow: int, scale: float = 1.0) -> Iterator[torch.Tensor]:
        """A weight whose outputs are about `scale` times as large as its inputs, and a level."""
        size = scale / wide**0.5
        yield torch.stack([size * torch.randn(wide, narrow, generator=one) for one in self.sources])
        yield torch.zeros(self.count, 1, narrow)

    def norm(self, width: int) -> Iterator[torch.Tensor]:
        """Gain and level of a layer norm."""
        yield torch.ones(self.count, 1, width)
        yield torch.zeros(self.count, 1, width)

    def block(self, width: int, inner: int, count: int) -> Iterator[torch.Tensor]:
        """One of so many blocks that are added to what goes in."""
        yield from (*self.norm(width), *self.layer(width, inner, 2**0.5), *self.layer(inner, width, count**-0.5))


def blocked(found: torch.Tensor, each: Iterator[torch.Tensor]) -> torch.Tensor:
    """Norm, layer, GELU and layer, added to what went in."""
    inner = normed(found, next(each), next(each))
    return found + dense(functional.gelu(dense(inner, each)), each)


def dense(found: torch.Tensor, each: Iterator[torch.Tensor]) -> torch.Tensor:
    """The next layer."""
    weight, level = next(each), next(each)
    return torch.baddbmm(level, found, weight)


class Residual(Parts):
    """Sizes: inputs, the width of all blocks, the inner width of each, answers."""

    def parts(self) -> Iterator[torch.Tensor]:
        """In, blocks, norm, out."""
        inputs, width, *inner, answers = self.task.sizes
        yield from self.layer(inputs, width)
        for wide in inner:
            yield from self.block(width, wide, len(inner))
        yield from (*self.norm(width), *self.layer(width, answers))

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """Answers (rows, examples, answers) to inputs (rows, examples, inputs)."""
        each = iter(self.values)
        found = dense(inputs, each)
        for _ in self.task.sizes[2:-1]:
            found = blocked(found, each)
        found = normed(found, next(each), next(each))
        return dense(self.dropped(found, learning=learning), each)


class Attention(Parts):
    """Sizes: rows of the table, the width of all blocks, the inner width of each, classes; the last token is asked."""

    def parts(self) -> Iterator[torch.Tensor]:
        """Table, blocks of attention and layers, norm, out."""
        rows, width, *inner, answers = self.task.sizes
        yield torch.stack([torch.randn(rows, width, generator=one) for one in self.sources])
        for wide in inner:
            yield from (*self.norm(width), *self.layer(width, 3 * width), *self.layer(width, width, len(inner) ** -0.5))
            yield from self.block(width, wide, len(inner))
        yield from (*self.norm(width), *self.layer(width, answers))

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """Answers (rows, examples, classes) to tokens (rows, examples, places)."""
        each = iter(self.values)
        _, examples, places = inputs.shape
        rows, width = self.task.sizes[:2]
        offset = (torch.arange(self.count) * rows)[:, None, None]
        found = functional.embedding(inputs + offset, next(each).flatten(0, 1)) + placed(places, width)
        found = found.flatten(1, 2)  # all tokens of a row together
        for _ in self.task.sizes[2:-1]:
            asked = dense(normed(found, next(each), next(each)), each)
            parts = asked.view(self.count * examples, places, 3, HEADS, -1).permute(2, 0, 3, 1, 4).flatten(1, 2)
            shares = torch.bmm(parts[0], parts[1].mT) * (width // HEADS) ** -0.5
            mixed = torch.bmm(shares.softmax(2), parts[2]).view(self.count * examples, HEADS, places, -1)
            found = found + dense(mixed.transpose(1, 2).reshape(found.shape), each)
            found = blocked(found, each)
        told = self.asked(found.view(self.count, examples, places, width))
        found = normed(told, next(each), next(each))
        return dense(self.dropped(found, learning=learning), each)

    def asked(self, found: torch.Tensor) -> torch.Tensor:
        """What is told of a sequence: its last token."""
        return found[:, :, -1]


class Pooled(Attention):
    """Sizes as with attention; of all tokens the mean."""

    def asked(self, found: torch.Tensor) -> torch.Tensor:
        """What is told of a sequence: the mean of its tokens."""
        return found.mean(2)


def placed(places: int, width: int) -> torch.Tensor:
    """Sines and cosines that tell where a token stands."""
    turns = torch.arange(places)[:, None] / 50 ** (torch.arange(width // 2) / (width // 2))
    return torch.cat([turns.sin(), turns.cos()], 1)


class Convolution(Parts):
    """Sizes: channels of the images, of each convolution's outputs, the width of a layer on all that, classes."""

    def parts(self) -> Iterator[torch.Tensor]:
        """Convolutions, then layers."""
        *channels, width, answers = self.task.sizes
        for (side, _), wide, narrow in zip(WINDOWS, channels[:-1], channels[1:], strict=True):
            yield from self.layer(side * side * wide, narrow, 2**0.5)
        size = self.task.data()[0].shape[1]
        for side, stride in WINDOWS:
            size = (size - side) // stride + 1
        yield from (*self.layer(size * size * channels[-1], width, 2**0.5), *self.layer(width, answers))

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """Answers (rows, examples, classes) to images (rows, examples, height, width, channels)."""
        each = iter(self.values)
        found = inputs
        for side, stride in WINDOWS:
            across = (found.shape[2] - side) // stride + 1
            end = stride * (across - 1) + 1
            windows = torch.cat([
                found[:, :, down : down + end : stride, right : right + end : stride]
                for down in range(side) for right in range(side)
            ], -1)  # fmt: skip
            told = torch.relu(dense(windows.flatten(1, 3), each))
            found = told.view(*windows.shape[:4], -1)
        found = torch.relu(dense(found.flatten(2), each))
        return dense(self.dropped(found, learning=learning), each)


class Recurrent(Parts):
    """Gated recurrent units as torch has them; sizes: numbers at each place, the width of the state, answers."""

    def parts(self) -> Iterator[torch.Tensor]:
        """From the inputs and from the state to both gates and the new state, out."""
        inputs, width, answers = self.task.sizes
        yield from (*self.layer(inputs, 3 * width), *self.layer(width, 3 * width), *self.layer(width, answers))

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """Answers (rows, examples, answers) to sequences (rows, examples, places, inputs)."""
        weight, level, back, shift, *last = self.values
        width = self.task.sizes[1]
        told = torch.baddbmm(level, inputs.flatten(1, 2), weight).view(*inputs.shape[:3], -1)
        state = torch.zeros(*inputs.shape[:2], width)
        for new in told.unbind(2):
            old = torch.baddbmm(shift, state, back)
            reset, kept = torch.sigmoid(new[..., : 2 * width] + old[..., : 2 * width]).chunk(2, 2)
            state = torch.lerp(torch.tanh(new[..., 2 * width :] + reset * old[..., 2 * width :]), state, kept)
        return dense(self.dropped(state, learning=learning), iter(last))


class Signal(Parts):
    """Sizes: numbers at each place of a signal, of each convolution's outputs, classes; of the places the mean."""

    def parts(self) -> Iterator[torch.Tensor]:
        """Convolutions, then a layer."""
        *channels, answers = self.task.sizes
        for (length, _), wide, narrow in zip(SIGHTS, channels[:-1], channels[1:], strict=True):
            yield from self.layer(length * wide, narrow, 2**0.5)
        yield from self.layer(channels[-1], answers)

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """Answers (rows, examples, classes) to signals (rows, examples, places, channels)."""
        each = iter(self.values)
        found = inputs
        for length, stride in SIGHTS:
            end = found.shape[2] - length + 1
            windows = torch.cat([found[:, :, first : first + end : stride] for first in range(length)], -1)
            found = torch.relu(dense(windows.flatten(1, 2), each)).view(*windows.shape[:3], -1)
        return dense(self.dropped(found.mean(2), learning=learning), each)


class Normed(Parts):
    """Layers with a norm and GELU each but the last; sizes as those of plain layers."""

    def parts(self) -> Iterator[torch.Tensor]:
        """Layer, norm, layer, norm, and a layer at the end."""
        *inner, answers = self.task.sizes
        for wide, narrow in zip(inner[:-1], inner[1:], strict=True):
            yield from (*self.layer(wide, narrow), *self.norm(narrow))
        yield from self.layer(inner[-1], answers)

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """Answers (rows, examples, answers) to inputs (rows, examples, inputs)."""
        each = iter(self.values)
        found = inputs
        for _ in self.task.sizes[1:-1]:
            found = functional.gelu(normed(dense(found, each), next(each), next(each)))
        return dense(self.dropped(found, learning=learning), each)


class Memory(Parts):
    """Long short-term memory as torch has it; sizes: rows of the table, its width, the width of the state, classes."""

    def parts(self) -> Iterator[torch.Tensor]:
        """Table, from the inputs and from the state to the gates and the new content, out."""
        rows, inputs, width, answers = self.task.sizes
        yield torch.stack([torch.randn(rows, inputs, generator=one) for one in self.sources])
        yield from (*self.layer(inputs, 4 * width), *self.layer(width, 4 * width), *self.layer(width, answers))

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """Answers (rows, examples, classes) to tokens (rows, examples, places)."""
        table, weight, level, back, shift, *last = self.values
        rows, _, width, _ = self.task.sizes
        offset = (torch.arange(self.count) * rows)[:, None, None]
        found = functional.embedding(inputs + offset, table.flatten(0, 1)).flatten(1, 2)
        told = torch.baddbmm(level + shift, found, weight).view(*inputs.shape, -1)
        state = content = torch.zeros(*inputs.shape[:2], width)
        for new in told.unbind(2):
            taken, kept, fresh, shown = torch.baddbmm(new, state, back).chunk(4, 2)
            content = torch.sigmoid(kept) * content + torch.sigmoid(taken) * torch.tanh(fresh)
            state = torch.sigmoid(shown) * torch.tanh(content)
        return dense(self.dropped(state, learning=learning), iter(last))


class Steps(Parts):
    """A convolution of images, residual blocks of two more, and of all places the mean.

    Sizes: channels of the images, those of all blocks, the inner channels of each block, classes.
    """

    def parts(self) -> Iterator[torch.Tensor]:
        """The first convolution, blocks, out."""
        inputs, width, *inner, answers = self.task.sizes
        yield from self.layer(9 * inputs, width, 2**0.5)
        for wide in inner:
            yield from (*self.layer(9 * width, wide, 2**0.5), *self.layer(9 * wide, width, len(inner) ** -0.5))
        yield from self.layer(width, answers)

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """Answers (rows, examples, classes) to images (rows, examples, height, width, channels)."""
        each = iter(self.values)
        found = torch.relu(seen(inputs.permute(1, 0, 4, 2, 3).flatten(1, 2), each, stride=2))
        for _ in self.task.sizes[2:-1]:
            inner = torch.relu(seen(found, each, padding=1))
            found = torch.relu(found + seen(inner, each, padding=1))
        told = found.mean((2, 3)).view(len(found), self.count, -1).transpose(0, 1)
        return dense(self.dropped(told, learning=learning), each)


def seen(found: torch.Tensor, each: Iterator[torch.Tensor], stride: int = 1, padding: int = 0) -> torch.Tensor:
    """The next convolution of three points by three, of (examples, rows times channels, height, width)."""
    weight, level = next(each), next(each)
    count, wide, narrow = weight.shape
    kernels = weight.view(count, 3, 3, wide // 9, narrow).permute(0, 4, 3, 1, 2).flatten(0, 1)
    return functional.conv2d(found, kernels, level.flatten(), stride, padding, groups=count)
