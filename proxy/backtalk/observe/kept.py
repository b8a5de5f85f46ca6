"""What the spool may see of a request's head, from memory where the same head came before.

In: a head. Out: its tenant, the parameters and the fields that are named to be kept. The one rule: nothing is
remembered that may become another, as the tenant of a virtual key does which is not known yet.
"""

from typing import NamedTuple

from backtalk.model.exchange import RequestHead
from backtalk.observe.headers import chosen_query, request_chooser
from backtalk.observe.tenants import Tenants


class Kept(NamedTuple):
    """What is kept of a head. `lasting`: it is the same for every request that repeats the head."""

    tenant: str
    query: str
    headers: list[tuple[str, str]]
    lasting: bool


class Keeper:
    """Chooses what is kept, for all calls of a process."""

    def __init__(self, tenants: Tenants, session_header: str) -> None:
        self._tenants = tenants
        self._choose = request_chooser(session_header)

    def of(self, head: RequestHead) -> Kept:
        """What is kept of a head."""
        kept = head.once(self._chosen)
        return kept if kept.lasting else self._chosen(head)

    def _chosen(self, head: RequestHead) -> Kept:
        query, fields = head.query.decode("latin-1"), head.fields
        lasting = self._tenants.is_lasting(fields)
        return Kept(self._tenants.of(fields, query), chosen_query(query), self._choose(fields), lasting)
