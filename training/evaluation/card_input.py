"""What a model card says that no figure tells."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

# What holds for any system that infers emotions from faces and voices.
FORBIDDEN_USES = (
    (
        "Inferring emotions of people at work or in education: Article 5(1)(f) of the EU AI Act (Regulation "
        "(EU) 2024/1689) forbids it, medical and safety reasons aside."
    ),
    (
        "Any decision about a person (hiring, insurance, credit, policing, borders, justice), and any claim "
        "about what a person feels, thinks or is: the model tells how a face and a voice look and sound to "
        "others."
    ),
    (
        "Use on people who have not been told: Article 50(3) of the same regulation asks for it. Where it is "
        "not forbidden, emotion recognition is a high-risk use (Annex III, point 1(c)), with the duties that "
        "follow."
    ),
)
ETHICS = (
    (
        "Faces and voices are biometric data. Whoever runs the model needs a legal basis, should keep them "
        "no longer than needed, and must be able to erase them."
    ),
    (
        "Expressions are no sure sign of emotions, and differ between people, situations and cultures "
        "(Barrett, Adolphs, Marsella, Martinez & Pollak 2019, Psychological Science in the Public Interest "
        "20(1)). Figures on acted recordings do not carry over to everyday life."
    ),
)


@dataclass(frozen=True)
class DataSource:
    """A data set that the model was trained on.

    Attributes:
        name: Its name.
        licence: SPDX name or a few words.
        use: What of it was used, and what for.
        reference: Who made it; Markdown.
    """

    name: str
    licence: str
    use: str
    reference: str = ""


@dataclass(frozen=True)
class CardInput:
    """What a model card says that no figure tells; all text is Markdown.

    Attributes:
        id: Name of the model.
        description: What the model is, in a sentence or two.
        licence: SPDX name of the weights' licence.
        date: Day on which it was made.
        made_by: Who made it, and whom to ask.
        architecture: Network, inputs, parameters.
        intended_uses: What it is for.
        data: What it was trained on.
        evaluation: Which samples the figures are from, and why these.
        limits: What it cannot do, as far as is known.
        how_made: How to make it again: the command, time and hardware.
        out_of_scope: More uses that it is not for, beside those of ``FORBIDDEN_USES``.
        ethics: More to bear in mind, beside ``ETHICS``.
        unscored: How many tested samples got no answer, as they show no face and hold no voice.
    """

    id: str
    description: str
    licence: str
    date: dt.date
    made_by: str
    architecture: str
    intended_uses: tuple[str, ...]
    data: tuple[DataSource, ...]
    evaluation: str
    limits: tuple[str, ...]
    how_made: str
    out_of_scope: tuple[str, ...] = ()
    ethics: tuple[str, ...] = ()
    unscored: int = 0
