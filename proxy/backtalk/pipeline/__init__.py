"""Pipelines: enough was learned, so a dataset is built, a model trained and measured, and its promotion proposed."""
