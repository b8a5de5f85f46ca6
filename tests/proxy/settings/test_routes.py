"""Targets and routes in the settings file: what fits is taken, what does not is refused by its key."""

from pathlib import Path

import pytest

from backtalk.errors import SetupError
from backtalk.settings import load, target_keys

TARGET = '[targets.here]\nurl = "http://127.0.0.1:9/v1"\n'


def written(tmp_path: Path, text: str) -> Path:
    """A settings file."""
    file = tmp_path / "backtalk.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_routes_and_targets_are_tables_of_the_file(tmp_path: Path) -> None:
    """A target is written once by its name; a route names the models, and is named by one where it names none."""
    text = f'{TARGET}weight = 2\n[routes."claude-*"]\ntargets = ["here"]\n[routes.fast]\nmodels = ["a", "b-*"]\n'
    settings = load({}, file=written(tmp_path, f'{text}targets = ["here"]\n'))
    assert settings.targets["here"].weight == 2
    assert settings.routes["claude-*"].targets == ("here",)
    assert settings.routes["fast"].models == ("a", "b-*")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[targets.a]\nurll = "http://x"', r"unknown setting targets\.a\.urll \(did you mean targets\.a\.url\?\)"),
        ("[targets.a]", r"targets\.a: a raw target needs its url"),
        ('[targets.a]\nurl = "ftp://x"', r"targets\.a\.url: must start with http"),
        ('[targets.a]\nurl = "http://"', r"targets\.a\.url: must be like https://host"),
        ('[targets."a b"]\nurl = "http://x"', r"targets\.a b: a target's name has letters"),
        (f"{TARGET}weight = 0", r"targets\.here\.weight: .* greater than 0"),
        (f'{TARGET}api_key_env = "A"\napi_key_file = "b"', r"targets\.here: set api_key_env or api_key_file, not both"),
        (
            f'{TARGET}[routes.m]\ntargets = ["ther"]',
            r"routes\.m\.targets: there is no target 'ther' \(did you mean here",
        ),
        (f'{TARGET}[routes.m]\ntargets = ["here"]\nfallbacks = ["x"]', r"routes\.m\.fallbacks: there is no target 'x'"),
        (f'{TARGET}[routes.m]\ntargets = ["here"]\nfallbacks = ["here"]', r"routes\.m: each target is named once"),
        (f"{TARGET}[routes.m]\ntargets = []", r"routes\.m\.targets: .* at least 1 item"),
        (f"{TARGET}[routes.m]", r"routes\.m\.targets: Field required"),
        (
            f'{TARGET}[routes.m]\ntargets = ["here"]\n[routes.n]\nmodels = ["m"]\ntargets = ["here"]',
            r"routes\.n\.models: 'm' is answered by the route 'm' already",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(tmp_path: Path, text: str, said: str) -> None:
    """Each mistake is one sentence that begins with the key."""
    with pytest.raises(SetupError, match=said):
        load({}, file=written(tmp_path, text))


def test_a_key_comes_from_its_variable_or_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys stand outside the settings file; a target without one passes the client's."""
    (tmp_path / "key").write_text(" sk-file\n", encoding="utf-8")
    monkeypatch.setenv("SOME_KEY", "sk-variable")
    text = f'[targets.a]\nurl = "http://x"\napi_key_env = "SOME_KEY"\n{TARGET}[targets.c]\nurl = "http://x"\n'
    settings = load({}, file=written(tmp_path, f'{text}api_key_file = "{tmp_path / "key"}"\n'))
    assert target_keys(settings) == {"a": "sk-variable", "c": "sk-file"}


@pytest.mark.parametrize("value", ["", " ", "line\nbreak", "ü"])
def test_a_key_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """An empty variable, or what could not stand in a header, is named; its value is not shown."""
    monkeypatch.setenv("SOME_KEY", value)
    settings = load({}, file=written(tmp_path, f'{TARGET}api_key_env = "SOME_KEY"\n'))
    with pytest.raises(SetupError, match=r"targets\.here\.api_key_env: the variable SOME_KEY holds no key"):
        target_keys(settings)
