"""Models of folds: what they say of speakers that they have not heard."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.checkpoint.subject import Subject, predict_with
from shared.catalog import ModelCard
from shared.errors import AvemotionError, ErrorCode
from training.datasets.sample import Sample
from training.evaluation.scored import Scored, join
from training.fitting.examples import Library
from training.fitting.recipe import load_recipe
from training.fitting.scoring import BOTH, Predict
from worker.model.engine import Engine


@dataclass(frozen=True)
class FoldModel:
    """The model of one fold of a training.

    Attributes:
        name: Of its folder.
        speakers: Those that it was tested on, and has not heard.
        predict: What it says.
    """

    name: str
    speakers: frozenset[str]
    predict: Predict


@dataclass(frozen=True)
class Voices:
    """Who judges voices.

    Attributes:
        subject: The checkpoint, which has heard all speakers of its training.
        folds: Models of the same training that lack some speakers each; may be none.
    """

    subject: Subject
    folds: tuple[FoldModel, ...] = ()

    @property
    def note(self) -> str:
        """What a reader must know of the speakers."""
        if self.folds:
            return (
                f"Each voice is judged by the one of {len(self.folds)} folds that has not heard its speaker."
            )
        return (
            "The model was trained on these very voices: look at the differences, not at the figures. "
            "--folds RUN takes for each speaker the model of the fold without him."
        )

    def known(self, samples: Sequence[Sample]) -> list[Sample]:
        """Return the samples whose speaker there is a judge for."""
        heard = {speaker for fold in self.folds for speaker in fold.speakers}
        return [sample for sample in samples if not self.folds or sample.speaker in heard]

    def score(
        self, samples: Sequence[Sample], library: Library, modalities: Collection[int] = BOTH
    ) -> Scored:
        """Return what is said of samples, each by the model that has not heard its speaker."""
        if not self.folds:
            return self.subject.score_all(samples, library, modalities)
        parts = []
        for fold in self.folds:
            mine = [sample for sample in samples if sample.speaker in fold.speakers]
            if mine:
                judge = replace(self.subject, predict=fold.predict)
                parts.append(judge.score_all(mine, library, modalities))
        return join(parts)


def load_folds(run: Path, card: ModelCard, recipe: str) -> tuple[FoldModel, ...]:
    """Return the models of all folds that a training has finished.

    Args:
        run: Folder of the training, as ``avemotion train --out`` got it.
        card: Of the checkpoint that came of it.
        recipe: By which it was trained.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: it has no finished fold. ``TRAINING_FAILED``: a state is damaged,
            or that of another network.
    """
    folders = sorted(path.parent for path in run.glob("fold-*/scored.npz"))
    if not folders:
        raise AvemotionError(ErrorCode.INVALID_REQUEST, f"{run} has no fold that is finished.")
    return tuple(_fold(folder, card, recipe) for folder in folders)


def _fold(folder: Path, card: ModelCard, name: str) -> FoldModel:
    from training.fitting.rounds import end_of_phase, new_network  # noqa: PLC0415 - brings Keras
    from training.fitting.start import Start  # noqa: PLC0415 - as above
    from training.fitting.state import read_state, restore  # noqa: PLC0415 - as above
    from worker.model.networks import build_network  # noqa: PLC0415 - as above
    from worker.model.presets import PRESETS  # noqa: PLC0415 - as above
    from worker.model.weights import copy_weights  # noqa: PLC0415 - as above

    recipe = load_recipe(name).model_copy(update={"labels": card.labels})
    last = read_state(folder)
    state = None if last is None else read_state(end_of_phase(folder.parent, last[0].fingerprint))
    if state is None or state[0].phase != len(recipe.phases) - 1:
        raise AvemotionError(ErrorCode.INVALID_REQUEST, f"{folder} has not the end of its training.")
    trained = new_network(recipe, Start())
    restore(state[1], trained, None)
    network = build_network(card, PRESETS[card.preset])
    copy_weights(trained, network)
    tested = Scored.load(folder / "scored.npz")
    speakers = frozenset(speaker for speaker in tested.speakers if speaker is not None)
    return FoldModel(folder.name, speakers, predict_with(Engine(card, network, precision="float32")))
