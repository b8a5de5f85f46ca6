"""Facts on their way out: each exporter follows the journal in a thread of its own, OpenTelemetry first.

In: the worker's journal. Out: spans, log events and metrics over OTLP, and whatever an exporter plugin makes of facts.
The one rule: at least once, in order, with ids that make a repeat harmless; a failing exporter holds up nobody else.
"""
