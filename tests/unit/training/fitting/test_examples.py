from __future__ import annotations

from collections import Counter

import numpy as np

from training.datasets.sample import Sample
from training.fitting.examples import Example, Voices, order_of
from training.fitting.recipe import Phase


def example(number: int, emotion: str = "anger", weight: float = 1.0) -> Example:
    return Example(Sample(str(number), "d", emotions={emotion: 1}), 0, 0, weight)


def phase(**changes: object) -> Phase:
    return Phase.model_validate({"name": "all", "epochs": 1, **changes})


def test_an_epoch_takes_each_example_once() -> None:
    """All come, in an order that the seed stands for."""
    examples = [example(number) for number in range(100)]

    order = order_of(examples, phase(), (1, 2))

    assert sorted(order) == list(range(100))
    assert order.tolist() == order_of(examples, phase(), (1, 2)).tolist()
    assert order.tolist() != order_of(examples, phase(), (1, 3)).tolist()


def test_an_epoch_may_be_shorter_or_longer() -> None:
    """So many are drawn as are asked for, none twice before all have come."""
    examples = [example(number) for number in range(10)]

    assert len(set(order_of(examples, phase(samples_per_epoch=4), (0,)))) == 4
    assert set(Counter(order_of(examples, phase(samples_per_epoch=30), (0,)).tolist()).values()) == {3}


def test_weights_say_how_often_each_is_drawn() -> None:
    """An example of three times the weight comes three times as often."""
    examples = [example(0, weight=3), *(example(number) for number in range(1, 10))]

    counts = Counter(order_of(examples, phase(samples_per_epoch=1200), (0,)).tolist())

    assert counts[0] == 300
    assert all(counts[number] == 100 for number in range(1, 10))


def test_voices_agree_with_faces_as_often_as_asked() -> None:
    """With an agreement of 1 the voice has the face's class; with 0 it has any."""
    voices = Voices([example(number, emotion) for number, emotion in enumerate(["anger", "fear"] * 10)])
    generator = np.random.default_rng(0)
    face = Sample("f", "d", emotions={"fear": 1})

    agreeing, any_voice = (
        [voices.draw(face, share, generator).sample.emotions for _ in range(200)] for share in (1.0, 0.0)
    )

    assert all(emotions == {"fear": 1} for emotions in agreeing)
    assert 60 < sum(emotions == {"fear": 1} for emotions in any_voice) < 140


def test_a_face_without_a_voice_of_its_class_has_any() -> None:
    """No voice of the face's class is no reason to leave the face out."""
    voices = Voices([example(0, "anger")])

    drawn = voices.draw(Sample("f", "d", emotions={"surprise": 1}), 1.0, np.random.default_rng(0))

    assert drawn.sample.emotions == {"anger": 1}
