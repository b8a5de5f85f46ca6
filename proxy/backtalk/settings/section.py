"""What every part of the settings tree is: frozen, closed to unknown keys, and silent about the values it refuses.

In: classes of sections, and what pydantic says of a tree. Out: the fields that can be set, and sentences that name a
wrong key. The one rule: no sentence repeats a value, since it may be a secret.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationError

from backtalk.errors import SetupError
from backtalk.settings.redis_url import parse_redis_url


def _has_a_form(value: SecretStr) -> SecretStr:
    parse_redis_url(value.get_secret_value())
    return value


RedisUrl = Annotated[SecretStr, AfterValidator(_has_a_form)]
"""A URL of one of the forms in `redis_url`."""
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)


class Section(BaseModel):
    """A part of the tree: frozen, and closed to unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, hide_input_in_errors=True
    )


def fields_of(section: type[Section], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Every settable field as (path, description, default), sections opened."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from fields_of(field.annotation, (*path, name))
        else:
            yield (*path, name), field.description or "", field.default


def base_url(value: str) -> str:
    """A base URL without its last slash; raises `ValueError` where no call could be sent there."""
    if not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    try:
        parts = urlsplit(value)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ValueError("must be like https://host[:port][/path]") from error
    if not whole:
        raise ValueError("must be like https://host[:port][/path]")
    if "?" in value or "#" in value or "@" in parts.netloc:
        raise ValueError("must be like https://host[:port][/path], without a user, a query or a fragment")
    return value.rstrip("/")


def web_origin(value: str) -> str:
    """An origin as browsers send it (RFC 6454); raises `ValueError` for what none sends, and for `*` and `null`."""
    known = value.lower().removesuffix("/")
    if not _ORIGIN.fullmatch(known):
        raise ValueError("must be origins like https://app.example[:port], without a path; neither * nor null is one")
    return known


def read_toml(path: Path) -> dict[str, Any]:
    """A settings file's tree; raises `SetupError` where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"cannot read the settings file {path}: {error.strerror}", code="bad_settings") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"the settings file {path} is not TOML: {error}", code="bad_settings") from error


def place(tree: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """Set a value at a path of the tree, making the tables on the way."""
    for step in path[:-1]:
        inner = tree.setdefault(step, {})
        if not isinstance(inner, dict):
            return  # the file has something else in a section's place; validation says so
        tree = cast("dict[str, Any]", inner)
    tree[path[-1]] = value


def explain(error: ValidationError, root: type[Section], named: Mapping[str, type[Section]]) -> str:
    """One sentence a wrong key; `named` are the tables of named tables, by their name."""
    known = {".".join(path) for path, _, _ in fields_of(root)}
    lines: list[str] = []
    for item in error.errors(include_url=False, include_input=False):
        steps = [str(step) for step in item["loc"]]
        where = ".".join(steps)
        inside = named.get(steps[0]) if len(steps) == 3 else None
        near = known if inside is None else {f"{steps[0]}.{steps[1]}.{name}" for name in inside.model_fields}
        said = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            lines.append(f"unknown setting {where}{nearest(where, near)}")
        else:
            lines.append(f"{where}: {said}" if where else said)
    return "; ".join(lines)


def nearest(name: str, known: Iterable[str]) -> str:
    """A question about the known name that is nearest, or nothing."""
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def variable_key(environ: Mapping[str, str], name: str, where: str) -> str:
    """The key in a variable that the setting `where` names; raises `SetupError` where it holds none."""
    return checked_key(environ.get(name, ""), f"{where}: the variable {name}")


def checked_key(text: str, where: str) -> str:
    """A key as it may stand in a header; raises `SetupError` that says where none was."""
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise SetupError(f"{where} holds no key", code="bad_settings")
    return key


def key_in_file(path: Path, where: str) -> str:
    """The key in a file that the setting `where` names; raises `SetupError` where it holds none."""
    try:
        return checked_key(path.read_text(encoding="utf-8"), f"{where}: the file {path}")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{where}: the file {path} cannot be read: {error}", code="bad_settings") from error
