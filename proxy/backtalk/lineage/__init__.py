"""Lineage: which facts made which dataset, which datasets made which run, and which of them a name means."""
