"""The plugin door: what is loaded, in which order, and what is refused, in one sentence."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from backtalk.errors import SetupError
from backtalk.plugin import CallClosed, CallOpened, SessionView, Signal
from backtalk.plugin.discovery import DETECTORS, check, installed, load_detectors


class Good:
    """A detector that runs."""

    name: ClassVar[str] = "good"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """Finds nothing."""
        del fact, session
        return ()


class Nameless(Good):
    """States its name wrongly."""

    name = 3  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]


class Futuristic(Good):
    """Speaks a version to come."""

    api: ClassVar[int] = 9


class Unfinished:
    """Lacks its method."""

    name, api, version = "unfinished", 1, "1"


class Asynchronous(Good):
    """A coroutine where a function belongs."""

    async def observe(self, fact: object, session: object) -> Sequence[Signal]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Never runs."""
        del fact, session
        return ()


class Renamed(Good):
    """Other parameters."""

    def observe(self, call: object, view: object) -> Sequence[Signal]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Never runs."""
        del call, view
        return ()


Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes a distribution on sys.path whose entry point `outsider` is the given code's class `Plugin`."""

    def make(code: str) -> None:
        (tmp_path / "outsider_plugin.py").write_text(code, encoding="utf-8")
        info = tmp_path / "outsider-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[{DETECTORS}]\noutsider = outsider_plugin:Plugin\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))  # pyright: ignore[reportUnknownMemberType]  # pytest has no type
        monkeypatch.delitem(__import__("sys").modules, "outsider_plugin", raising=False)

    return make


def test_built_ins_come_by_the_same_door() -> None:
    """They are entry points like anybody's."""
    assert {"regeneration", "reformulation", "assistant_edit", "stop"} <= set(installed(DETECTORS))


def test_the_list_in_the_settings_is_the_order() -> None:
    """And installed is not enabled."""
    assert [detector.name for detector in load_detectors(("stop", "regeneration"), {})] == ["stop", "regeneration"]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    """A typing error is seen at once."""
    with pytest.raises(SetupError, match=r"no plugin named regenerate .* regeneration"):
        load_detectors(("regenerate",), {})


@pytest.mark.parametrize(
    ("plugin", "why"),
    [
        (Nameless, "must state name as str"),
        (Futuristic, "speaks version 9 of the plugin interface, and this Backtalk speaks 1"),
        (Unfinished, r"lacks the method observe\(self, fact, session\)"),
        (Asynchronous, "observe must be a plain function, not an async one"),
        (Renamed, r"must be observe\(self, fact, session\), not observe\(self, call, view\)"),
    ],
)
def test_what_cannot_run_is_refused_in_one_sentence(plugin: type, why: str) -> None:
    """At start, not at the first fact."""
    with pytest.raises(SetupError, match=why):
        check(DETECTORS, "outsider", plugin)


def test_what_can_run_is_not_refused() -> None:
    """No base class is needed."""
    check(DETECTORS, "good", Good)


def test_a_plugins_section_is_checked_by_its_own_model() -> None:
    """A wrong value is named with its place."""
    with pytest.raises(SetupError, match=r"\[plugin.reformulation\] next_turn: Input should be less than"):
        load_detectors(("reformulation",), {"reformulation": {"next_turn": 3}})


def test_a_section_nobody_reads_is_refused() -> None:
    """Settings that do nothing mislead."""
    with pytest.raises(SetupError, match=r"takes no settings, but \[plugin.stop\] has some"):
        load_detectors(("stop",), {"stop": {"most": 1}})


def test_an_outsider_is_loaded_with_its_settings(install: Install) -> None:
    """A distribution of its own, an entry point, a settings model."""
    install(
        "from pydantic import BaseModel\n"
        "class Limits(BaseModel):\n    most: int = 3\n"
        "class Plugin:\n    name, api, version, settings_model = 'outsider', 1, '1', Limits\n"
        "    def __init__(self, settings): self.most = settings.most\n"
        "    def observe(self, fact, session): return ()\n"
    )
    (detector,) = load_detectors(("outsider",), {"outsider": {"most": 5}})
    assert vars(detector) == {"most": 5}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise RuntimeError('no luck')\n", "importing it failed: no luck"),
        ("Plugin = 3\n", "its entry point must name a class"),
        (
            (
                "class Plugin:\n    name, api, version = 'outsider', 1, '1'\n"
                "    def __init__(self): raise OSError('no disk')\n    def observe(self, fact, session): return ()\n"
            ),
            "constructing it failed: no disk",
        ),
    ],
)
def test_an_outsider_that_fails_to_load_is_refused(install: Install, code: str, why: str) -> None:
    """Whatever a stranger's module does, the answer is one sentence."""
    install(code)
    with pytest.raises(SetupError, match=why):
        load_detectors(("outsider",), {})
