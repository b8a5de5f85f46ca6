"""Pipelines over the admin listener: list them with their runs, show a run, ask for one.

In: HTTP behind the bearer token. Out: JSON. The one rule: a trigger is durable when it is answered (202), and is acted
upon once, by `backtalk pipeline watch`; nothing is trained here.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backtalk.errors import RequestError
from backtalk.pipeline import finding, state_log, triggers
from backtalk.pipeline.folders import Home, homes

_BODY_BYTES: Final = 16_384
_RUNS: Final = 20
"""So many runs of each pipeline are listed, the latest."""
_KEY_CHARS: Final = 256


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = "asked for"
    actor: str = "the admin token"
    force: bool = False


class Pipelines:
    """The handlers."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._asking = asyncio.Lock()
        """So that a repeat sees the first one's file, and no more wait than may."""

    async def listed(self, request: Request) -> Response:
        """`GET /v1/pipelines`: every pipeline with its latest runs, their states, and what waits for an answer."""
        del request
        return JSONResponse({"pipelines": await asyncio.to_thread(self._listed)})

    async def run(self, request: Request) -> Response:
        """`GET /v1/pipelines/runs/{run_id}`: one run, with what each step gave and what became of its proposal."""
        wanted = str(request.path_params["run_id"])
        return JSONResponse(await asyncio.to_thread(self._run, wanted))

    async def trigger(self, request: Request) -> Response:
        """`POST /v1/pipelines/{name}/trigger`: ask for a look now; with `force` for a run. 202 once it is durable."""
        key = request.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= _KEY_CHARS:
            message = f"an Idempotency-Key has 1 to {_KEY_CHARS} characters"
            raise RequestError(message, code="bad_trigger", param="Idempotency-Key")
        asked = _parse(await _body(request))
        fields = msgspec.structs.asdict(asked)
        name = str(request.path_params["name"])
        async with self._asking:
            taken = await asyncio.to_thread(triggers.ask, self._data_dir, name, idempotency_key=key, **fields)
        return JSONResponse({"id": taken.asked.id, "duplicate": taken.duplicate}, status_code=202)

    def _listed(self) -> list[dict[str, Any]]:
        proposals = finding.proposals(self._data_dir)
        return [
            {
                **_about(place),
                "pending": [msgspec.to_builtins(one) for one in triggers.pending(place)],
                "answers": [msgspec.to_builtins(one) for one in triggers.answers(place)[-_RUNS:]],
                "runs": [
                    finding.Found(place, one).document(proposals) for one in reversed(state_log.states(place)[-_RUNS:])
                ],
            }
            for place in homes(self._data_dir)
        ]

    def _run(self, wanted: str) -> dict[str, Any]:
        found = [one for one in finding.all_runs(self._data_dir) if one.run.run_id == wanted]
        if not found:
            raise RequestError("there is no such run of a pipeline", code="unknown_run", status=404)
        return found[0].document(finding.proposals(self._data_dir))


def _about(place: Home) -> dict[str, Any]:
    about: dict[str, Any] = {"name": place.name}
    if place.about.is_file():
        about |= msgspec.json.decode(place.about.read_bytes(), type=dict[str, Any])
    return about


async def _body(request: Request) -> bytes:
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > _BODY_BYTES:
            raise RequestError(f"a trigger has at most {_BODY_BYTES} bytes", code="body_too_large", status=413)
    return raw


def _parse(raw: bytes) -> _Body:
    try:
        return msgspec.json.decode(raw or b"{}", type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"send reason, actor and force as JSON, or nothing: {error}"
        raise RequestError(message, code="bad_trigger") from error
