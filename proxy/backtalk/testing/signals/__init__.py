"""Labelled texts and what is made of them: rows are scored, never by a model that has seen them, and become figures."""
