from __future__ import annotations

import json
import os
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from shared.errors import WarningCode
from tests.processes import is_gone
from tests.unit.faces.openface.installs import FakeInstall
from tests.unit.faces.openface.tables import table
from worker.faces.openface.analyzer import time_limit_s

LARGE_FILE = "model/patch_experts/cen_patches_1.00_of.dat"


def test_how_the_program_is_called(install: FakeInstall, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is called by its real path, with limits, in a group of its own, and knows nothing of ours."""
    monkeypatch.setenv("AVEMOTION_DATABASE_URL", "postgresql://secret")
    install.play(table=table(20))

    install.analyze(20)

    call = install.call()
    program, *flags = call["argv"]
    video, out_dir = Path(flags[1]), Path(flags[3])
    assert program == str(install.folder.resolve() / "FeatureExtraction")
    assert flags[::2][:3] == ["-f", "-out_dir", "-of"]
    assert flags[6:] == ["-aus", "-pose", "-gaze", "-2Dfp"]
    assert (video.name, video.parent, out_dir.parent) == ("segment.mp4", out_dir, install.scratch)
    assert call["video_bytes"] > 0
    assert call["leads_group"]
    assert call["environment"]["OMP_NUM_THREADS"] == call["environment"]["OPENBLAS_NUM_THREADS"] == "1"
    assert "secret" not in str(call["environment"])
    assert call["limits"]["RLIMIT_CORE"] == 0
    assert call["limits"]["RLIMIT_AS"] == 2048 * 1024**2


@pytest.mark.skipif(shutil.which("stdbuf") is None, reason="this system has no stdbuf")
def test_output_is_not_held_back(install: FakeInstall) -> None:
    """The program's C library is told to pass on what it prints at once: progress is live."""
    install.play(table=table(20))

    install.analyze(20)

    assert install.call()["environment"]["_STDBUF_O"] == "0"


def test_without_large_models_the_lesser_are_asked_for(install: FakeInstall) -> None:
    """OpenFace fails without its large models unless it is told to use others; every result says so."""
    (install.folder / LARGE_FILE).unlink()
    install.play(table=table(20))

    track = install.analyze(20)

    assert install.call()["argv"][-2:] == ["-mloc", "model/main_clnf_general.txt"]
    assert track.warnings == (WarningCode.OPENFACE_LESSER_LANDMARKS,)


def test_time_grows_with_the_video() -> None:
    """A short video has two minutes, a long one ten times its length."""
    assert [time_limit_s(duration_s) for duration_s in (0.04, 12, 60)] == [120, 120, 600]


def test_progress_only_grows_and_ends_at_one(install: FakeInstall) -> None:
    """What the program says of its progress is passed on."""
    install.play(table=table(20))
    shares: list[float] = []

    install.analyze(20, progress=shares.append)

    assert all(earlier <= later for earlier, later in pairwise(shares))
    assert shares[-1] == 1


def test_progress_is_heard_while_the_program_runs(install: FakeInstall) -> None:
    """A share is told before the program has ended."""
    install.play(deed="hang", stdout=b"Starting tracking\n0% 10% 20% ")
    shares: list[float] = []

    install.refusal(progress=shares.append, settings=install.settings(stage_time_limit_s=2))

    assert shares[-1] == 0.2


def test_checkpoint_ends_the_run(install: FakeInstall) -> None:
    """What the checkpoint raises while the program hangs comes out, and nothing of the run is left."""
    install.play(deed="hang", stdout=b"Starting tracking\n0% 10% ")
    heard: list[float] = []

    def stop() -> None:
        if heard and (install.folder / "pids.json").exists():
            raise InterruptedError

    with pytest.raises(InterruptedError):
        install.analyze(
            20, checkpoint=stop, progress=heard.append, settings=install.settings(stage_time_limit_s=30)
        )
    assert all(is_gone(pid) for pid in json.loads((install.folder / "pids.json").read_text()))


def test_scratch_folder_may_be_relative(install: FakeInstall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program, which runs in another folder, finds its video all the same."""
    monkeypatch.chdir(install.folder.parent)
    install.play(table=table(20))

    track = install.analyze(20, settings=install.settings(scratch_dir=Path("scratch")))

    assert track.table.success.all()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_scratch_folder_that_cannot_be_written_may_pass(install: FakeInstall) -> None:
    """No room for temporary files is no fault of the job."""
    install.scratch.chmod(0o500)

    with pytest.raises(OSError, match="scratch"):
        install.analyze(20)
    install.scratch.chmod(0o700)
