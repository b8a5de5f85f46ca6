"""The project speaks of itself alone: no path of a machine, no host of a registry, no mirror of one."""

import re

import pytest

MACHINE = re.compile(r"(?<![\w.])/(?:home|Users|root|work|farm|tmp)/[a-z]")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npm|index[-_]url|--find-links")
HERE = "tests/house/test_words.py"


def test_no_file_names_a_machine_or_a_registry(texts: dict[str, str]) -> None:
    """What is checked out runs anywhere, from whichever registry the machine's clients are set to."""
    assert list(_findings(texts)) == []


@pytest.mark.parametrize("line", ["see /home/someone/notes", "pip install --index-url https://x", "open /tmp/x"])
def test_such_a_line_is_noticed(line: str) -> None:
    """Each kind of slip is found."""
    assert list(_findings({"a.md": line})) != []


def _findings(texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number} {line.strip()[:80]}"
        for name, text in texts.items()
        if name != HERE
        for number, line in enumerate(text.splitlines(), start=1)
        if MACHINE.search(line) or (REGISTRY.search(line) and "emit-index" not in line)
    ]
