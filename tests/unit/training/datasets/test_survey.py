from __future__ import annotations

from dataclasses import replace

from tests.unit.training.datasets.samples import dataset, sample
from training.datasets.dataset import Dataset
from training.datasets.emodb import LAYOUT as EMODB
from training.datasets.manifest import LAYOUT as MANIFEST
from training.datasets.probing import Probed
from training.datasets.problem import Problem
from training.datasets.survey import by_class, document, findings, sides


def made(counts: dict[str, int], folds: int = 2, **details: str) -> Dataset:
    """Return a data set with so many samples a class, of speakers who stand in one fold each."""
    samples = [
        sample(f"{emotion}-{k}", emotion, f"{k % 4}", fold=k % folds + 1 if folds else None, details=details)
        for emotion, count in counts.items()
        for k in range(count)
    ]
    return replace(dataset("made", samples, folds), fold_source="made by speaker" if folds else "")


def test_small_and_lopsided_classes_are_told() -> None:
    """Fewer than ten samples say nothing; a class ten times another drowns it."""
    told = findings(made({"anger": 100, "neutral": 8, "fear": 40}), MANIFEST, None)

    assert "1 class has fewer than 10 samples: neutral (8)." in told
    assert "The largest class has 12 times the samples of the smallest: weigh classes." in told


def test_where_folds_come_from_is_told() -> None:
    """Made by speaker, made by clip, official, none because of one speaker, none because of a split."""
    by_speaker = made({"neutral": 20, "fear": 20})
    official = replace(by_speaker, fold_source="official")
    by_clip = replace(by_speaker, fold_source="made by clip")
    split = dataset("made", [sample("a", "neutral", split="train")])
    alone = dataset("made", [sample("a", "neutral", "anna")])

    told = [findings(one, MANIFEST, None) for one in (by_speaker, official, by_clip, split, alone)]

    assert "No official folds: 2 are made, with no speaker in two." in told[0]
    assert "Folds come from official." in told[1]
    assert "one person may stand in two of them" in " ".join(told[2])
    assert "It has an official split; folds are not made." in told[3]
    assert told[4][-1].startswith("No folds: there is one speaker")


def test_a_fold_without_a_class_is_told() -> None:
    """Recall of a class that a fold does not have cannot be measured there."""
    some = made({"neutral": 20, "fear": 20})
    kept = [one for one in some.samples if not (one.fold == 2 and one.emotions == {"fear": 1.0})]

    assert "Fold 2 has no fear." in findings(replace(some, samples=tuple(kept)), MANIFEST, None)


def test_missing_neutral_and_published_size_are_told() -> None:
    """What the classes and the number of samples lack is said."""
    told = findings(made({"anger": 20, "fear": 20}), EMODB, None)

    assert told[0] == "40 of the 535 published samples are used."
    assert any("No class is neutral" in sentence for sentence in told)


def test_lengths_that_give_classes_away_are_told() -> None:
    """Where one class is half as long again as another, a model may go by length; measured ones go first."""
    short, long = made({"neutral": 20}, duration_s="2.0"), made({"fear": 20}, duration_s="3.1")
    both = replace(long, samples=(*short.samples, *long.samples), labels=("fear", "neutral"))
    same = Probed({one.id: 2.0 for one in both.samples}, (), ())
    sentence = "Lengths give classes away: half of neutral is below 2.0 s, and half of fear above 3.1 s."

    assert sentence in findings(both, MANIFEST, None)
    assert sentence not in findings(both, MANIFEST, same)


def test_pseudo_labels_are_told() -> None:
    """Constants of the class are never passed off as annotation."""
    some = made({"neutral": 20})
    marked = replace(
        some, samples=tuple(replace(one, affect_source="class_constant") for one in some.samples)
    )

    told = " ".join(findings(marked, MANIFEST, None))
    assert "20 samples are constants of their class (pseudo-labels)" in told


def test_what_probing_found_is_told() -> None:
    """Videos without sound are no fault, and files that cannot be read are."""
    some = made({"neutral": 20})
    found = Probed({}, ("neutral-1", "neutral-2"), (Problem("broken", None, "x cannot be read."),))

    told = findings(some, MANIFEST, found)

    assert told[-2] == "2 videos have no sound; their picture alone is used: neutral-1, neutral-2."
    assert told[-1].startswith("1 file cannot be read")


def test_counts_by_class_and_side_add_up() -> None:
    """Shares count as shares, and the folds together are the whole."""
    some = made({"neutral": 20, "fear": 10})
    shared = replace(some.samples[0], emotions={"neutral": 0.5, "fear": 0.5})
    mixed = replace(some, samples=(shared, *some.samples[1:]))

    assert by_class(mixed, mixed.samples) == {"fear": 10.5, "neutral": 19.5}
    assert list(sides(mixed)) == ["fold 1", "fold 2"]
    assert sum(len(samples) for samples in sides(mixed).values()) == 30


def test_the_document_holds_all_of_it() -> None:
    """Counts, speakers, sides, problems and findings as plain values."""
    some = replace(made({"neutral": 20, "fear": 10}), problems=(Problem("missing", None, "There is no x."),))

    content = document(some, MANIFEST, None)

    assert (content["samples"], content["folds"], content["fold_source"]) == (30, 2, "made by speaker")
    assert content["classes"] == {"fear": 10, "neutral": 20}
    assert content["speakers"]["made/0"] == {"samples": 8, "classes": {"fear": 3, "neutral": 5}}
    assert content["sides"]["fold 1"]["speakers"] == 2
    assert content["problems"] == [{"code": "missing", "path": None, "message": "There is no x."}]
    assert content["affect_sources"] == {"none": 30}
