"""What all our telemetry has in common: who speaks (resource and scope), and contexts of spans from hex ids."""

import uuid
from collections.abc import Mapping
from typing import Final, NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from backtalk import __version__
from backtalk.export.semconv import SCHEMA_URLS, Generation

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


class Origin(NamedTuple):
    """The resource and the scope of every span, event and metric, and the generation of names they speak."""

    resource: Resource
    scope: InstrumentationScope
    generation: Generation = "v1.41"

    @property
    def schema_url(self) -> str:
        """The schema of the names; empty where none is published."""
        return SCHEMA_URLS[self.generation]


def origin(generation: Generation = "v1.41") -> Origin:
    """Our resource: `backtalk`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    told: Mapping[str, object] = Resource.create().attributes
    own = {"service.version": __version__, "service.instance.id": str(uuid.uuid4())}
    if str(told.get("service.name", "unknown_service")).startswith("unknown_service"):
        own["service.name"] = "backtalk"
        missing = own
    else:
        missing = {key: value for key, value in own.items() if not told.get(key)}
    resource = Resource.create().merge(Resource(missing))
    scope = InstrumentationScope("backtalk", __version__, SCHEMA_URLS[generation])
    return Origin(resource, scope, generation)


def context(trace_id: str, span_id: str, *, remote: bool = False) -> SpanContext:
    """The context of a span with these ids."""
    return SpanContext(int(trace_id, 16), int(span_id, 16), remote, _SAMPLED)
