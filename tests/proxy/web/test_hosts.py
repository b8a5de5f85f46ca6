"""Names by which a listener on loopback may be asked for."""

import pytest

from backtalk.errors import RequestError
from backtalk.model.asgi import Receive, Scope, Send
from backtalk.web.hosts import OwnHosts


async def _ask(host: str, *allowed: str, kind: str = "http") -> bool:
    """Whether the app was reached."""
    reached: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append(scope)

    async def nothing(*_: object) -> dict[str, str]:
        return {}

    await OwnHosts(app, allowed)({"type": kind, "headers": [(b"host", host.encode())]}, nothing, nothing)  # type: ignore[arg-type]
    return bool(reached)


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["127.0.0.1:8081", "localhost", "[::1]:8081", "Admin.example:8081"])
async def test_names_of_this_machine_and_allowed_ones_pass(host: str) -> None:
    """Any port, any case."""
    assert await _ask(host, "admin.Example")


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8081", ""])
async def test_a_name_that_a_site_points_here_is_refused(host: str) -> None:
    """A browser would take our answers for that site's own."""
    with pytest.raises(RequestError, match=r"web\.allowed_hosts") as refused:
        await _ask(host)
    assert (refused.value.status, refused.value.code) == (403, "host_not_allowed")


@pytest.mark.anyio
async def test_the_life_of_the_app_passes() -> None:
    """It has no host."""
    assert await _ask("evil.example", kind="lifespan")
