"""What is kept of a head, once for all that repeat it."""

from backtalk.model.exchange import RequestHead
from backtalk.observe.kept import Keeper
from backtalk.observe.tenants import Tenants


def test_a_head_is_looked_at_once_unless_its_tenant_may_change() -> None:
    """A virtual key that is not known yet gets its owner when it is; all else is remembered with the head."""
    owners: dict[bytes, str] = {}
    keeper = Keeper(Tenants(b"s" * 32, owner=owners.get), "x-session-id")
    fields = [(b"authorization", b"sk-bt-new"), (b"x-session-id", b"s1"), (b"cookie", b"c")]
    head = RequestHead("POST", "/v1/x", b"/v1/x", b"model=m&key=k", fields, dict(fields), derived={})
    before = keeper.of(head)
    assert (before.query, before.headers) == ("model=m", [("x-session-id", "s1")])
    owners[b"sk-bt-new"] = "team"
    assert keeper.of(head).tenant != before.tenant
    plain = head._replace(fields=fields[1:], known=dict(fields[1:]), derived={})
    assert keeper.of(plain) is keeper.of(plain)
