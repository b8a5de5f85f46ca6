"""What every section of the settings does alike."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from backtalk.errors import SetupError
from backtalk.settings.routes import TargetSettings
from backtalk.settings.section import Section, explain, fields_of, nearest, place, read_toml, web_origin


class Inner(Section):
    """A section."""

    size_bytes: int = 1


class Outer(Section):
    """A tree."""

    inner: Inner = Inner()
    targets: dict[str, TargetSettings] = {}


def test_fields_are_found_by_their_path() -> None:
    """Sections are opened, tables of named tables are one field."""
    assert [path for path, _, _ in fields_of(Outer)] == [("inner", "size_bytes"), ("targets",)]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"inner": {"size_byte": 1}}, "unknown setting inner.size_byte (did you mean inner.size_bytes?)"),
        ({"targets": {"a": {"urll": "x"}}}, "unknown setting targets.a.urll (did you mean targets.a.url?)"),
        ({"inner": {"size_bytes": "sk-secret"}}, "inner.size_bytes: Input should be a valid integer"),
        ({"targets": {"a": {}}}, "targets.a: a raw target needs its url"),
    ],
)
def test_a_wrong_key_is_named_and_its_value_is_not(tree: dict[str, object], said: str) -> None:
    """The sentence names the key and the nearest one; what was set there may be a secret."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(tree)
    sentence = explain(caught.value, Outer, {"targets": TargetSettings})
    assert said in sentence
    assert "sk-secret" not in sentence


def test_nothing_near_is_no_question() -> None:
    """A guess that would mislead is not made."""
    assert nearest("colour", {"workers", "port"}) == ""


def test_a_value_is_placed_where_its_path_says() -> None:
    """Tables on the way are made; what stands in their place is left for validation."""
    tree: dict[str, object] = {"port": 1}
    place(tree, ("relay", "body_limit_bytes"), 2)
    place(tree, ("port", "x"), 3)
    assert tree == {"port": 1, "relay": {"body_limit_bytes": 2}}


@pytest.mark.parametrize("text", [b"a = ", b"\xff", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: bytes | None) -> None:
    """No TOML, no UTF-8, no file: each is an error with the path."""
    file = tmp_path / "b.toml"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(SetupError, match=r"b\.toml"):
        read_toml(file)


@pytest.mark.parametrize("origin", ["*", "null", "app.example", "https://app.example/path", "https://a b", "https://"])
def test_what_no_browser_sends_is_no_origin(origin: str) -> None:
    """Neither a wildcard nor a page: said at start, not by a page that does not work."""
    with pytest.raises(ValueError, match="neither"):
        web_origin(origin)


def test_an_origin_is_kept_as_browsers_send_it() -> None:
    """In lower case, without the slash that a person copies along; IPv6 and ports are fine."""
    assert web_origin("https://App.example/") == "https://app.example"
    assert web_origin("http://[::1]:3000") == "http://[::1]:3000"
