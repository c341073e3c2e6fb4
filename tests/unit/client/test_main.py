from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version

import pytest
import typer

from client.main import Commands, app
from shared.schemas.jobs import JobPage
from shared.settings import get_settings


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints the installed version."""
    with pytest.raises(SystemExit) as ended:
        app(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"avemotion {version('avemotion')}\n"


def test_help_lists_every_command_and_imports_none() -> None:
    """--help comes from the table alone: it answers at once however heavy the commands are."""
    program = (
        "import sys\n"
        "from client.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'httpx', 'pydantic', 'sqlalchemy', 'celery', 'numpy', 'tensorflow', 'asyncio'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, entry in Commands.table.items():
        assert f"│ {name} " in done.stdout
        assert entry.help in done.stdout


@pytest.mark.parametrize("name", Commands.table)
def test_every_command_is_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each row of the table leads to a command that explains itself."""
    module, _, attribute = Commands.table[name].target.partition(":")
    command = getattr(import_module(module), attribute)
    assert callable(command) or isinstance(command, typer.Typer)
    with pytest.raises(SystemExit) as ended:
        app([name, "--help"])
    assert ended.value.code == 0
    assert f" {name} " in capsys.readouterr().out


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the fingers gets a hint and exit code 2."""
    with pytest.raises(SystemExit) as ended:
        app(["serv"])
    assert ended.value.code == 2
    assert "Did you mean 'serve'?" in capsys.readouterr().err


def test_a_wrong_setting_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variable that cannot be read is named, without a traceback."""
    monkeypatch.setenv("AVEMOTION_PORT", "many")
    get_settings.cache_clear()
    with pytest.raises(SystemExit) as ended:
        app(["ops", "keys", "list"])
    assert ended.value.code == 1
    err = capsys.readouterr().err
    assert err.startswith("invalid_settings: A setting is not valid. AVEMOTION_PORT: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("fault", [lambda: int("x"), lambda: JobPage.model_validate({})])
def test_other_errors_are_not_hidden(fault: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program keeps its traceback, be it one of validation."""
    monkeypatch.setattr("client.ops.service.get_settings", fault)
    with pytest.raises(ValueError, match=r"invalid literal|JobPage"):
        app(["ops", "keys", "list"])
