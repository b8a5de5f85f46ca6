"""Commands in the documentation exist: each `make` target and each `backtalk` command with its options."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from backtalk.cli import main

PAGES = Path(__file__).parents[2] / "docs"
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in PAGES.glob("*.md")))
TARGETS = frozenset(
    {
        "demo",
        "demo-training",
        "serve",
        "test",
        "test-all",
        "check",
        "bench",
        "bench-signals",
        "train-detectors",
        "lock",
        "fix",
        "reference",
        "help",
        "clean",
    }
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_documents_exist(root: Path, document: str) -> None:
    """A reader can type every command that stands in a code block."""
    assert list(_unknown((root / document).read_text(encoding="utf-8"), _targets(root))) == []


def test_every_page_is_linked_once_where_one_reads_on(root: Path) -> None:
    """No page is lost, and the list stays short enough to be read."""
    found = re.findall(r"\(docs/([^)#]+\.md)\)", (root / "README.md").read_text(encoding="utf-8").split("## Where")[1])
    assert sorted(found) == sorted(page.name for page in PAGES.glob("*.md"))


def test_makefile_has_the_promised_targets(root: Path) -> None:
    """The short names that the documentation and the gate rely on, each with its sentence in `make help`."""
    assert _targets(root) >= TARGETS
    helped = re.findall(r"^([a-z-]+):.*## ", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(helped) == TARGETS


@pytest.mark.parametrize(
    "line",
    [
        "make nonsense",
        "backtalk nonsense",
        "backtalk serve --nonsense",
        "$ backtalk traces nonsense",
        "backtalk dataset build dpo --to x",
        "backtalk review --reviewer ann nonsense",
    ],
)
def test_unknown_commands_are_noticed(root: Path, line: str) -> None:
    """A command or option that does not exist is found, in a fenced block and in an indented one."""
    assert list(_unknown(f"```sh\n{line}\n```", _targets(root))) != []
    assert list(_unknown(f"Type\n\n    {line}\n", _targets(root))) != []


@pytest.mark.parametrize(
    "line",
    [
        "make demo",
        "backtalk serve --upstream URL --port 8080 &",
        "backtalk traces show ID",
        "curl -s http://x",
        "backtalk --help",
        "backtalk review --reviewer ann label ITEM true",
    ],
)
def test_known_commands_pass(root: Path, line: str) -> None:
    """What exists, and what is not ours, is let through."""
    assert list(_unknown(f"```sh\n{line}\n```", _targets(root))) == []


def _targets(root: Path) -> set[str]:
    lines = (root / "Makefile").read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([a-z][a-z0-9 -]*):(?!=)", line) for line in lines)
    return {name for match in found if match for name in match[1].split()}


def _unknown(text: str, targets: set[str]) -> Iterator[str]:
    fenced = re.findall(r"```(?:sh|bash|console|shell)\n(.*?)```", text, re.DOTALL)
    indented = [line[4:] for line in re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines() if line[:4] == "    "]
    for block in (*fenced, "\n".join(indented)):
        for line in block.replace("\\\n", " ").splitlines():
            words = line.split("#")[0].removeprefix("$ ").split()
            if words[:1] == ["make"] and not targets.issuperset(w for w in words[1:] if "=" not in w and w[0] != "-"):
                yield line
            if words[:1] == ["backtalk"] and not _exists(main, words[1:]):
                yield line


def _exists(command: click.Command, words: list[str]) -> bool:
    """Whether the words lead to a command, and every option on the way is one of its own."""
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    flags = {
        option for parameter in command.params if getattr(parameter, "is_flag", False) for option in parameter.opts
    }
    for index, word in enumerate(words):
        if index and words[index - 1] in options - flags:
            continue  # the option's value
        if word.startswith("-") and word.partition("=")[0] not in options | {"-h", "--help"}:
            return False
        if isinstance(command, click.Group) and not word.startswith("-"):
            inner = command.commands.get(word)
            return inner is not None and _exists(inner, words[index + 1 :])
    return True
