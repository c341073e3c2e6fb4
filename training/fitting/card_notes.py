"""What a recipe says for the model's card: all that no figure tells."""

from __future__ import annotations

from pydantic import Field

from shared.catalog.config import Record


class CardNotes(Record):
    """The author's part of ``CARD.md``; all text is Markdown."""

    made_by: str = Field("Whoever ran the training.", description="Who made the model, and whom to ask.")
    intended_uses: tuple[str, ...] = Field(
        ("Research on recordings like those it was trained on.",), description="What the model is for."
    )
    out_of_scope: tuple[str, ...] = Field((), description="What it is not for, beside what never is.")
    uses: dict[str, str] = Field({}, description="By source: what of it was used, and what for.")
    evaluation: str = Field(
        "Speakers that were not trained on, fold by fold; official test parts where there are any.",
        description="Which samples the figures are from, and why these.",
    )
    limits: tuple[str, ...] = Field((), description="What the model cannot do, as far as is known.")
    ethics: tuple[str, ...] = Field((), description="What to bear in mind, beside what holds for all.")
