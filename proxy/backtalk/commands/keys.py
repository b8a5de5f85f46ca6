"""`backtalk keys`: make virtual keys, list them, revoke them.

In: options. Out: lines, or JSON. The one rule: a key is printed once, when it is made; nothing else ever shows it.
"""

import json
import re
from pathlib import Path
from typing import Any, Final, get_args

import click
import msgspec

from backtalk import clock, virtual_keys
from backtalk.commands.options import settings_options
from backtalk.errors import RequestError
from backtalk.settings import load
from backtalk.settings.metrics import FeedbackSource
from backtalk.virtual_keys import KeyRing, VirtualKey

_UNITS_S: Final = {"m": 60, "h": 3_600, "d": 86_400}


@click.group()
def keys() -> None:
    """Make virtual keys, list them, revoke them."""


@keys.command("create")
@click.argument("name")
@click.option("--tenant", help="Whose calls these are. [default: NAME]")
@click.option("--requests-per-minute", type=click.IntRange(min=1), metavar="N", help="Most calls in a minute.")
@click.option("--tokens-per-minute", type=click.IntRange(min=1), metavar="N", help="Most tokens in a minute.")
@click.option("--budget", "budget_usd", type=click.FloatRange(min=0), metavar="USD", help="Most dollars in a window.")
@click.option("--window", "budget_window", type=click.Choice(["hour", "day", "month"]), help="[default: day]")
@click.option("--model", "models", multiple=True, metavar="NAME", help="A model it may ask for; * for anything.")
@click.option(
    "--feedback-source", type=click.Choice(get_args(FeedbackSource)), help="Who stands behind feedback that it sends."
)
@click.option("--expires-in", metavar="TIME", help="How long it is valid, as in 90m, 12h or 30d.")
@settings_options
def keys_create(config: Path | None, data_dir: Path | None, **given: Any) -> None:
    """Make a key called NAME; it is shown once, on the standard output."""
    _create(load(file=config, overrides={"data_dir": data_dir}).data_dir, **given)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def keys_list(config: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """List every key with its owner and limits."""
    _list(load(file=config, overrides={"data_dir": data_dir}).data_dir, as_json=as_json)


@keys.command("revoke")
@click.argument("key")
@settings_options
def keys_revoke(config: Path | None, data_dir: Path | None, key: str) -> None:
    """Revoke the key with this name or id; proxies know within a second."""
    revoked = virtual_keys.revoke(load(file=config, overrides={"data_dir": data_dir}).data_dir, key)
    click.echo(f"revoked {revoked.id}  {revoked.name}")


def _create(data_dir: Path, name: str, *, expires_in: str | None, models: tuple[str, ...], **limits: Any) -> None:
    """Make a key and show it."""
    given = {field: value for field, value in limits.items() if value is not None}
    if expires_in is not None:
        given["expires_ns"] = clock.now().wall_ns + seconds(expires_in) * clock.NS_PER_S
    made = virtual_keys.create(data_dir, name, models=models, **given)
    click.echo(f"{made.key.id}  {made.key.name}", err=True)
    click.echo("This is the only time the key is shown:", err=True)
    click.echo(made.credential)


def _list(data_dir: Path, *, as_json: bool) -> None:
    """List every key, revoked ones too."""
    keys = KeyRing.open(data_dir).keys
    if as_json:
        shown = [{k: v for k, v in msgspec.to_builtins(key).items() if k != "sha256"} for key in keys]
        click.echo(json.dumps(shown, indent=2))
        return
    for key in keys:
        state = key.refusal(clock.now().wall_ns) or "valid"
        click.echo(f"{key.id}  {key.name:<24} {key.tenant:<24} {state:<8} {limits_of(key)}".rstrip())


def limits_of(key: VirtualKey) -> str:
    """A key's limits in words."""
    said = [
        (key.requests_per_minute, f"{key.requests_per_minute} requests/min"),
        (key.tokens_per_minute, f"{key.tokens_per_minute} tokens/min"),
        (key.budget_usd, f"{key.budget_usd} USD/{key.budget_window}"),
        (key.models or None, " ".join(key.models)),
        (key.feedback_source, f"feedback of {key.feedback_source}"),
    ]
    return ", ".join(words for value, words in said if value is not None)


def seconds(text: str) -> int:
    """A duration such as 90m, 12h or 30d; raises `RequestError` for any other text."""
    found = re.fullmatch(r"([1-9]\d{0,5})([mhd])", text)
    if found is None:
        raise RequestError(f"{text!r} is no duration; write 90m, 12h or 30d", code="bad_duration")
    return int(found[1]) * _UNITS_S[found[2]]
