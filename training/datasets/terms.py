"""Licences and references of the published data sets, for cards of what is trained on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Terms:
    """What a data set may be used for, and whose work it is.

    Attributes:
        licence: SPDX name, or a few words where there is none.
        reference: To be cited; Markdown.
    """

    licence: str
    reference: str


def _doi(text: str, doi: str) -> str:
    return f"{text}, [doi:{doi}](https://doi.org/{doi})"


# What is not here has told us nothing.
UNKNOWN = Terms("not stated", "")
TERMS: Mapping[str, Terms] = MappingProxyType(
    {
        "crema-d": Terms(
            "ODbL-1.0, contents DbCL-1.0",
            _doi("Cao, Cooper, Keutmann, Gur, Nenkova & Verma 2014", "10.1109/TAFFC.2014.2336244"),
        ),
        "enterface": Terms(
            "research, from its authors", _doi("Martin, Kotsia, Macq & Pitas 2006", "10.1109/ICDEW.2006.145")
        ),
        "mafw": Terms("research only, no redistribution", _doi("Liu et al. 2022", "10.1145/3503161.3548190")),
        "ravdess": Terms("CC-BY-NC-SA-4.0", _doi("Livingstone & Russo 2018", "10.1371/journal.pone.0196391")),
        "emodb": Terms(
            "not stated; research",
            _doi("Burkhardt, Paeschke, Rolfes, Sendlmeier & Weiss 2005", "10.21437/Interspeech.2005-446"),
        ),
        "fer2013": Terms(
            "not stated; research",
            "Goodfellow et al. 2013, [arXiv:1307.0414](https://arxiv.org/abs/1307.0414)",
        ),
    }
)


def terms_of(dataset: str) -> Terms:
    """Return the terms of a data set by its name."""
    return TERMS.get(dataset, UNKNOWN)
