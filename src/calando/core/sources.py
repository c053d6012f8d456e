"""The papers behind the plans, and the BibTeX of exactly those that a plan uses."""

from typing import Final, NamedTuple

from calando.core.plan import Plan
from calando.errors import BadName, did_you_mean, shown

__all__ = ["SOURCES", "Source", "cite", "source", "sources_of"]


class Source(NamedTuple):
    """A published work; `identifier` is what finds it: a DOI, else "arXiv:number"."""

    key: str
    author: str
    title: str
    venue: str
    year: int
    identifier: str
    pages: str = ""

    def bibtex(self) -> str:
        """The entry as BibTeX."""
        meeting = self.venue.startswith(("Proceedings", "Advances"))
        kind = "misc" if self.venue == "arXiv" else "inproceedings" if meeting else "article"
        fields = {"author": self.author, "title": f"{{{self.title}}}"}
        if kind == "article":
            fields["journal"] = self.venue
        elif kind == "inproceedings":
            fields["booktitle"] = self.venue
        fields |= {"pages": self.pages, "year": str(self.year)}
        scheme, _, number = self.identifier.partition(":")
        if scheme == "arXiv":
            fields |= {"eprint": number, "archivePrefix": "arXiv", "url": f"https://arxiv.org/abs/{number}"}
        else:
            fields |= {"doi": number, "url": f"https://doi.org/{number}"}
        width = max(len(name) for name in fields)
        lines = [f"  {name:<{width}} = {{{_escaped(value)}}}," for name, value in fields.items() if value]
        return "\n".join([f"@{kind}{{{self.key},", *lines, "}"])


_ENTRIES: Final = (
    Source(
        "chen2018",
        "Chen, Liang-Chieh and Papandreou, George and Kokkinos, Iasonas and Murphy, Kevin and Yuille, Alan L.",
        "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully Connected "
        "CRFs",
        "IEEE Transactions on Pattern Analysis and Machine Intelligence 40(4)",
        2018,
        "doi:10.1109/TPAMI.2017.2699184",
        "834--848",
    ),
    Source(
        "defazio2023",
        "Defazio, Aaron and Cutkosky, Ashok and Mehta, Harsh and Mishchenko, Konstantin",
        "Optimal Linear Decay Learning Rate Schedules and Further Refinements",
        "arXiv",
        2023,
        "arXiv:2310.07831",
    ),
    Source(
        "fritsch1984",
        "Fritsch, F. N. and Butland, J.",
        "A Method for Constructing Local Monotone Piecewise Cubic Interpolants",
        "SIAM Journal on Scientific and Statistical Computing 5(2)",
        1984,
        "doi:10.1137/0905021",
        "300--304",
    ),
    Source(
        "goyal2017",
        "Goyal, Priya and Dollár, Piotr and Girshick, Ross and Noordhuis, Pieter and Wesolowski, Lukasz and Kyrola, "
        "Aapo and Tulloch, Andrew and Jia, Yangqing and He, Kaiming",
        "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour",
        "arXiv",
        2017,
        "arXiv:1706.02677",
    ),
    Source(
        "hagele2024",
        "Hägele, Alexander and Bakouch, Elie and Kosson, Atli and Ben Allal, Loubna and Von Werra, Leandro and Jaggi, "
        "Martin",
        "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations",
        "Advances in Neural Information Processing Systems 37",
        2024,
        "arXiv:2405.18392",
    ),
    Source(
        "he2016",
        "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "Deep Residual Learning for Image Recognition",
        "Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition (CVPR)",
        2016,
        "doi:10.1109/CVPR.2016.90",
        "770--778",
    ),
    Source(
        "hu2024",
        "Hu, Shengding and Tu, Yuge and Han, Xu and He, Chaoqun and Cui, Ganqu and Long, Xiang and Zheng, Zhi and "
        "Fang, Yewei and Huang, Yuxiang and Zhao, Weilin and others",
        "MiniCPM: Unveiling the Potential of Small Language Models with Scalable Training Strategies",
        "arXiv",
        2024,
        "arXiv:2404.06395",
    ),
    Source(
        "loshchilov2017",
        "Loshchilov, Ilya and Hutter, Frank",
        "SGDR: Stochastic Gradient Descent with Warm Restarts",
        "Proceedings of the International Conference on Learning Representations (ICLR)",
        2017,
        "arXiv:1608.03983",
    ),
    Source(
        "robbins1951",
        "Robbins, Herbert and Monro, Sutton",
        "A Stochastic Approximation Method",
        "The Annals of Mathematical Statistics 22(3)",
        1951,
        "doi:10.1214/aoms/1177729586",
        "400--407",
    ),
    Source(
        "smith2017",
        "Smith, Leslie N.",
        "Cyclical Learning Rates for Training Neural Networks",
        "Proceedings of the IEEE Winter Conference on Applications of Computer Vision (WACV)",
        2017,
        "doi:10.1109/WACV.2017.58",
        "464--472",
    ),
    Source(
        "smith2018",
        "Smith, Leslie N. and Topin, Nicholay",
        "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
        "arXiv",
        2018,
        "arXiv:1708.07120",
    ),
    Source(
        "vaswani2017",
        "Vaswani, Ashish and Shazeer, Noam and Parmar, Niki and Uszkoreit, Jakob and Jones, Llion and Gomez, Aidan N. "
        "and Kaiser, Łukasz and Polosukhin, Illia",
        "Attention Is All You Need",
        "Advances in Neural Information Processing Systems 30",
        2017,
        "arXiv:1706.03762",
    ),
)

SOURCES: Final[dict[str, Source]] = {entry.key: entry for entry in _ENTRIES}
"""Every work by its key."""

_TEX: Final = {"á": r"{\'a}", "ä": r"{\"a}", "Ł": r"{\L}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#"}


def _escaped(text: str) -> str:
    """Text as plain ASCII TeX, safe in BibTeX of any age; addresses are left alone."""
    return text if text.startswith(("https://", "10.")) else "".join(_TEX.get(c, c) for c in text)


def source(key: str) -> Source:
    """The work of a key.

    Raises:
        BadName: when there is none.

    >>> source("loshchilov2017").year
    2017
    """
    if key not in SOURCES:
        raise BadName(
            given=f"the source {shown(key)}{did_you_mean(key, SOURCES)}", allowed=", ".join(SOURCES), where="source",
            fix="add it to calando.core.sources",
        )  # fmt: skip
    return SOURCES[key]


def sources_of(plan: Plan) -> dict[Source, tuple[str, ...]]:
    """The works behind a plan and all plans inside it, sorted by key, each with the names that need it.

    >>> import calando
    >>> [(s.key, names) for s, names in sources_of(calando.parse("warmup(5%) | cosine()")).items()]
    [('goyal2017', ('warmup',)), ('loshchilov2017', ('cosine',))]
    """
    found: dict[str, list[str]] = {}
    waiting = [plan]
    while waiting:
        inner = waiting.pop()
        for key in inner.sources:
            if type(inner).__name__ not in found.setdefault(key, []):
                found[key].append(type(inner).__name__)
        waiting.extend(inner.children)
    return {source(key): tuple(sorted(found[key])) for key in sorted(found)}


def cite(*plans: Plan) -> str:
    """BibTeX for exactly the plans used, each entry once; empty when none of them has a source.

    >>> import calando
    >>> print(cite(calando.points(at=[0, 10], values=[0, 1])))
    % points
    @article{fritsch1984,
      author  = {Fritsch, F. N. and Butland, J.},
      title   = {{A Method for Constructing Local Monotone Piecewise Cubic Interpolants}},
      journal = {SIAM Journal on Scientific and Statistical Computing 5(2)},
      pages   = {300--304},
      year    = {1984},
      doi     = {10.1137/0905021},
      url     = {https://doi.org/10.1137/0905021},
    }
    """
    used: dict[Source, set[str]] = {}
    for plan in plans:
        for entry, names in sources_of(plan).items():
            used.setdefault(entry, set()).update(names)
    return "\n\n".join(
        f"% {', '.join(sorted(used[entry]))}\n{entry.bibtex()}" for entry in sorted(used, key=lambda entry: entry.key)
    )
