"""Where OpenFace is on this machine, and whether it can work there.

Needs the standard library and ``shared`` alone. Sentences name settings and files of OpenFace, never
a folder of this machine: users may read them; ``Preflight.facts`` are for the operator.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import WarningCode
from shared.settings import Settings

LESSER_LANDMARKS: Final = "model/main_clnf_general.txt"

_PROGRAM: Final = "FeatureExtraction"
# Below OPENFACE_DIR: an unpacked Windows build, a build in the source tree, an installed one.
_PLACES: Final = tuple(
    f"{folder}{_PROGRAM}{suffix}" for folder in ("", "build/bin/", "bin/") for suffix in ("", ".exe")
)
_MAIN_FILES: Final = (
    "model/pdms/In-the-wild_aligned_PDM_68.txt",
    "model/tris_68.txt",
    "model/model_inner/main_clnf_inner.txt",
    "model/model_eye/main_clnf_synth_left.txt",
    "model/model_eye/main_clnf_synth_right.txt",
    "AU_predictors/main_dynamic_svms.txt",
    "AU_predictors/AU_all_best.txt",
    "AU_predictors/In-the-wild_aligned_PDM_68.txt",
    "AU_predictors/tris_68_full.txt",
)
_LARGE_FILES: Final = ("model/main_ceclm_general.txt", "model/cen_general.txt")
# These are fetched from elsewhere after OpenFace itself, and what comes is now and then an error page.
_LARGE_SIZES_BYTES: Final = {
    "model/patch_experts/cen_patches_0.25_of.dat": 60_602_360,
    "model/patch_experts/cen_patches_0.35_of.dat": 60_602_360,
    "model/patch_experts/cen_patches_0.50_of.dat": 154_289_792,
    "model/patch_experts/cen_patches_1.00_of.dat": 154_289_792,
}
_LESSER_FILES: Final = (
    LESSER_LANDMARKS,
    "model/clnf_general.txt",
    *(f"model/patch_experts/ccnf_patches_{scale}_general.txt" for scale in ("0.25", "0.35", "0.5")),
)
_LICENSE_PROBLEM: Final = (
    "OpenFace's licence, which allows academic or non-profit, non-commercial research only, has not been "
    "accepted: the operator does so with AVEMOTION_OPENFACE_LICENSE_ACCEPTED=yes."
)
_NAMED_FILES: Final = 3
# Folders are named after the release by its archives and by many who unpack it: `OpenFace_2.2.0_win_x64`.
_RELEASE: Final = re.compile(r"openface[-_ ]?v?(\d+(?:\.\d+){1,2})", re.IGNORECASE)


@dataclass(frozen=True)
class Preflight:
    """What can be said of an installation without running it.

    Attributes:
        problems: What keeps it from working, a sentence each.
        warnings: What every result of it must say.
        facts: What an operator may want to know, by name.
    """

    problems: tuple[str, ...]
    warnings: tuple[WarningCode, ...]
    facts: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether it can work."""
        return not self.problems


@dataclass(frozen=True)
class Installation:
    """An OpenFace that the settings name; ``check`` says whether it is there.

    Attributes:
        binary: The program's absolute path, symbolic links resolved: it looks for its models beside it.
        setting: The environment variable that names it.
        license_accepted: Whether the operator has accepted OpenFace's licence.
    """

    binary: Path
    setting: str
    license_accepted: bool

    @property
    def folder(self) -> Path:
        """The folder of the program and of its models."""
        return self.binary.parent

    @property
    def release(self) -> str | None:
        """OpenFace's version, such as 2.2.0, as far as the name of a folder tells."""
        found = _RELEASE.findall(str(self.folder))
        return found[-1] if found else None

    def large_landmark_faults(self) -> tuple[str, ...]:
        """Return the files of the large (CEN) landmark models that are missing or not whole."""
        missing = [name for name in _LARGE_FILES if self._size(name) <= 0]
        broken = [name for name, size in _LARGE_SIZES_BYTES.items() if self._size(name) != size]
        return (*missing, *broken)

    def check(self) -> Preflight:
        """Look at the files without running anything; never raises."""
        faults = self.large_landmark_faults()
        facts = {
            "program": str(self.binary),
            "setting": self.setting,
            "release": self.release or "unknown",
            "landmarks": f"CLNF, for want of {_listed(faults)}" if faults else "CEN",
        }
        warnings = (WarningCode.OPENFACE_LESSER_LANDMARKS,) if faults else ()
        return Preflight((*self._program_problems(), *self._license_problems()), warnings, facts)

    def _program_problems(self) -> list[str]:
        if _size(self.binary) < 0:
            if self.setting == "OPENFACE_PATH":
                return [f"OPENFACE_PATH does not name a file: it must be OpenFace's program {_PROGRAM}."]
            return [f"There is no {_PROGRAM} in the folder OPENFACE_DIR, its bin or its build/bin."]
        problems = []
        if not os.access(self.binary, os.X_OK):
            problems.append(f"OpenFace's {_PROGRAM} may not be executed: give it the right (chmod +x).")
        needed = (*_MAIN_FILES, *(_LESSER_FILES if self.large_landmark_faults() else ()))
        if missing := tuple(name for name in needed if self._size(name) <= 0):
            problems.append(f"OpenFace lacks {_listed(missing)}: its models must lie beside {_PROGRAM}.")
        return problems

    def _license_problems(self) -> list[str]:
        return [] if self.license_accepted else [_LICENSE_PROBLEM]

    def _size(self, name: str) -> int:
        return _size(self.folder / name)


def find_installation(settings: Settings) -> Installation | None:
    """Return the OpenFace that settings name, there or not; None where they name none."""
    if settings.openface_path is not None:
        path, setting = settings.openface_path, "OPENFACE_PATH"
    elif settings.openface_dir is not None:
        places = [settings.openface_dir / place for place in _PLACES]
        path, setting = next((place for place in places if _size(place) >= 0), places[0]), "OPENFACE_DIR"
    else:
        return None
    # Unlike Path.resolve, never raises.
    real = Path(os.path.realpath(path))
    return Installation(real, setting, settings.openface_license_accepted)


def _size(path: Path) -> int:
    """Return the size of a file in bytes; -1 where there is no file that can be seen."""
    try:
        status = path.stat()
    except OSError:
        return -1
    return status.st_size if stat.S_ISREG(status.st_mode) else -1


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED_FILES
    return ", ".join(names[:_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")
