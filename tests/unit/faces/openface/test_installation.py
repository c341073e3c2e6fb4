from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import AvemotionError, ErrorCode, WarningCode
from shared.settings import Settings
from tests.unit.faces.openface.installs import FakeInstall, write_program
from worker.faces.openface import OpenFace
from worker.faces.openface.installation import _LARGE_SIZES_BYTES, Installation, Preflight, find_installation

SMALL_LARGE_FILE = "model/patch_experts/cen_patches_0.25_of.dat"


def found(settings: Settings) -> Installation:
    installation = find_installation(settings)
    assert installation is not None
    return installation


def check(install: FakeInstall) -> Preflight:
    return found(install.settings()).check()


def test_nothing_named_is_nothing_found() -> None:
    """Where no setting names OpenFace there is none, even if a program of that name is on PATH."""
    assert find_installation(Settings(openface_path=None, openface_dir=None)) is None


def test_a_whole_installation_is_ready(install: FakeInstall) -> None:
    """With program, models and licence there is no problem and no warning."""
    preflight = check(install)

    assert preflight.ok
    assert (preflight.problems, preflight.warnings) == ((), ())
    assert preflight.facts["program"] == str(install.folder.resolve() / "FeatureExtraction")
    assert preflight.facts["landmarks"] == "CEN"


@pytest.mark.parametrize(
    "place",
    [
        "FeatureExtraction",
        "build/bin/FeatureExtraction",
        "bin/FeatureExtraction",
        "FeatureExtraction.exe",
        "build/bin/FeatureExtraction.exe",
    ],
)
def test_program_is_found_below_the_folder(tmp_path: Path, place: str) -> None:
    """The folder may be an unpacked, a built or an installed one, of Linux or Windows."""
    write_program(tmp_path / place)

    assert found(Settings(openface_dir=tmp_path)).binary == tmp_path.resolve() / place


def test_a_path_goes_before_a_folder(install: FakeInstall, tmp_path: Path) -> None:
    """OPENFACE_PATH is taken where both are given."""
    other = tmp_path / "other" / "FeatureExtraction"
    write_program(other)

    assert found(install.settings(openface_path=other)).binary == other.resolve()


def test_environment_names_it(install: FakeInstall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that OpenFace's users know are read, and `yes` accepts the licence."""
    monkeypatch.setenv("OPENFACE_DIR", str(install.folder))
    monkeypatch.setenv("AVEMOTION_OPENFACE_LICENSE_ACCEPTED", "yes")

    assert found(Settings()).check().ok


def test_symbolic_links_are_resolved(install: FakeInstall, tmp_path: Path) -> None:
    """A link to the program is followed, as OpenFace looks for its models beside the name it is called by."""
    link = tmp_path / "FeatureExtraction"
    link.symlink_to(install.folder / "FeatureExtraction")

    installation = found(install.settings(openface_path=link))

    assert installation.folder == install.folder.resolve()
    assert installation.check().ok


def test_links_in_a_circle_are_survived(tmp_path: Path) -> None:
    """A link that leads to itself is no program."""
    link = tmp_path / "FeatureExtraction"
    link.symlink_to(link)

    assert not found(Settings(openface_path=link, openface_license_accepted=True)).check().ok


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"openface_path": "nowhere"}, "OPENFACE_PATH"), ({"openface_dir": "nowhere"}, "OPENFACE_DIR")],
)
def test_a_missing_program_is_a_problem(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    """A program that is not there is said by the setting's name, without this machine's folders."""
    named = {name: tmp_path / value for name, value in settings.items()}

    preflight = found(Settings(**named, openface_license_accepted=True)).check()

    assert len(preflight.problems) == 1
    assert words in preflight.problems[0]
    assert str(tmp_path) not in preflight.problems[0]


def test_a_folder_is_no_program(install: FakeInstall) -> None:
    """OPENFACE_PATH must name the program, not its folder."""
    assert not found(install.settings(openface_path=install.folder)).check().ok


def test_a_program_that_may_not_be_executed_is_a_problem(install: FakeInstall) -> None:
    """The right to execute is looked at."""
    (install.folder / "FeatureExtraction").chmod(0o644)

    assert "chmod +x" in check(install).problems[0]


@pytest.mark.parametrize(
    "name", ["AU_predictors/AU_all_best.txt", "model/tris_68.txt", "model/model_eye/main_clnf_synth_left.txt"]
)
def test_a_missing_or_empty_model_is_a_problem(install: FakeInstall, name: str) -> None:
    """A model file that OpenFace cannot do without is named."""
    (install.folder / name).write_text("", encoding="utf-8")
    assert name in check(install).problems[0]

    (install.folder / name).unlink()
    assert name in check(install).problems[0]


def test_no_models_at_all_are_one_sentence(install: FakeInstall) -> None:
    """A program without its folders gives one problem, which names some of what is missing."""
    (install.folder / "model").rename(install.folder / "elsewhere")
    (install.folder / "AU_predictors").rename(install.folder / "somewhere")

    problems = check(install).problems

    assert len(problems) == 1
    assert "more" in problems[0]


@pytest.mark.parametrize("name", [*_LARGE_SIZES_BYTES, "model/main_ceclm_general.txt"])
def test_without_a_large_model_the_lesser_ones_are_used(install: FakeInstall, name: str) -> None:
    """A missing large landmark model is no problem, but a warning."""
    (install.folder / name).unlink()

    preflight = check(install)

    assert preflight.ok
    assert preflight.warnings == (WarningCode.OPENFACE_LESSER_LANDMARKS,)
    assert name in preflight.facts["landmarks"]


@pytest.mark.parametrize("change", [-1, 1, -60_602_000])
def test_a_large_model_of_another_size_is_missing(install: FakeInstall, change: int) -> None:
    """A download that broke off, or brought something else, does not count."""
    os.truncate(install.folder / SMALL_LARGE_FILE, _LARGE_SIZES_BYTES[SMALL_LARGE_FILE] + change)

    assert check(install).warnings == (WarningCode.OPENFACE_LESSER_LANDMARKS,)


def test_without_any_landmark_models_it_cannot_work(install: FakeInstall) -> None:
    """Where the large models are missing, the lesser ones must be there."""
    (install.folder / SMALL_LARGE_FILE).unlink()
    (install.folder / "model" / "main_clnf_general.txt").unlink()

    assert "main_clnf_general.txt" in check(install).problems[0]


def test_licence_must_be_accepted(install: FakeInstall) -> None:
    """OpenFace does not run before the operator has accepted its licence."""
    settings = install.settings(openface_license_accepted=False)

    assert "AVEMOTION_OPENFACE_LICENSE_ACCEPTED=yes" in found(settings).check().problems[0]
    with pytest.raises(AvemotionError, match="AVEMOTION_OPENFACE_LICENSE_ACCEPTED=yes") as caught:
        OpenFace.load(settings)
    assert caught.value.code is ErrorCode.ANALYZER_UNAVAILABLE


def test_loading_says_what_is_wrong(install: FakeInstall) -> None:
    """An installation with problems, or none, is refused with sentences that help."""
    (install.folder / "model" / "tris_68.txt").unlink()

    for settings, words in ((install.settings(), r"tris_68\.txt"), (Settings(), "OPENFACE_DIR")):
        with pytest.raises(AvemotionError, match=words) as caught:
            OpenFace.load(settings)
        assert caught.value.code is ErrorCode.ANALYZER_UNAVAILABLE


@pytest.mark.parametrize(
    ("folder", "release"),
    [
        ("OpenFace_2.2.0_win_x64", "2.2.0"),
        ("OpenFace-OpenFace_2.1.0/build/bin", "2.1.0"),
        ("openface-2.0", "2.0"),
        ("OpenFace", None),
        ("OpenFace2/x", None),
    ],
)
def test_release_is_read_from_the_folder(folder: str, release: str | None) -> None:
    """The folder's name tells the release, as OpenFace's archives have it, where it does."""
    binary = Path("/opt") / folder / "FeatureExtraction"

    assert Installation(binary, "OPENFACE_PATH", license_accepted=True).release == release


def test_version_tells_what_changes_numbers(install: FakeInstall, tmp_path: Path) -> None:
    """The version names the release or, without one, the build; and the lesser landmark models."""
    unnamed = OpenFace.load(install.settings()).version
    (install.folder / SMALL_LARGE_FILE).unlink()
    lesser = OpenFace.load(install.settings()).version
    install.folder.rename(tmp_path / "OpenFace_2.2.0")
    named = OpenFace.load(install.settings(openface_dir=tmp_path / "OpenFace_2.2.0")).version

    assert len(unnamed.removesuffix("+1")) == 8
    assert lesser == f"{unnamed}.clnf"
    assert named == "2.2.0+1.clnf"


def test_looking_needs_no_media_library() -> None:
    """Whoever only wants to know whether OpenFace is there loads neither OpenCV nor PyAV."""
    code = (
        "import sys, worker.faces.openface.installation as i;"
        "print(sorted({'av', 'cv2', 'ai_edge_litert', 'worker.faces.openface.analyzer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
