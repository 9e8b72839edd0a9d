"""What a person reads when the machine lacks something: one sentence each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import bootstrap


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
def test_an_old_python_is_named_with_the_way_out(version: tuple[int, ...]) -> None:
    sentence = bootstrap.version_problem(version)
    assert sentence.startswith("SMS Console needs Python 3.11 or newer")
    assert f"is {version[0]}.{version[1]}." in sentence
    assert "make run PYTHON=" in sentence


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 1), (4, 0, 0)])
def test_a_new_python_is_no_problem(version: tuple[int, ...]) -> None:
    assert bootstrap.version_problem(version) == ""


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_missing_venv_module_is_named_with_its_package(missing: str) -> None:
    sentence = bootstrap.venv_problem(lambda name: name != missing, (3, 12, 1))
    assert "python3-venv" in sentence
    assert "python3.12-venv" in sentence


def test_a_python_with_both_modules_is_no_problem() -> None:
    assert bootstrap.venv_problem(bootstrap.can_import, sys.version_info) == ""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "LOG", str(tmp_path / "setup.log"))
    return tmp_path / "setup.log"


def failing(words: str) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({words!r}); sys.exit(1)"]


@pytest.mark.parametrize(
    "words",
    [
        "NewConnectionError('Failed to establish a new connection: [Errno 101]')",
        "npm error code EAI_AGAIN",
        "Temporary failure in name resolution",
    ],
)
def test_no_network_is_told_from_other_trouble(log: Path, capsys: Any, words: str) -> None:
    with pytest.raises(SystemExit):
        bootstrap.run(failing(words), "The packages were not installed.")
    said = capsys.readouterr().err
    assert "No network" in said
    assert len(said.splitlines()) == 1
    assert words in log.read_text()


def test_other_trouble_shows_its_last_line_and_the_log(log: Path, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        bootstrap.run(failing("HashMismatch: someone changed a package"), "It was not installed.")
    said = capsys.readouterr().err
    assert "HashMismatch" in said
    assert "build/setup.log" in said


def test_a_stamp_holds_until_what_it_was_made_from_changes(tmp_path: Path) -> None:
    pins, mark = tmp_path / "pins.txt", tmp_path / "stamp"
    pins.write_text("a==1")
    bootstrap.stamp(mark, bootstrap.digest_of([str(pins)]))
    assert bootstrap.is_stamped(mark, bootstrap.digest_of([str(pins)]))
    pins.write_text("a==2")
    assert not bootstrap.is_stamped(mark, bootstrap.digest_of([str(pins)]))
