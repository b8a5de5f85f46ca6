"""Evaluation: a dataset's cases are asked of a model through Backtalk, scored, and compared with another model's.

In: a dataset's folder, a model behind an OpenAI-compatible URL, scorers. Out: `scores.json`, with the trace of every
answer, and comparisons with intervals. The one rule: an error of the provider is never a wrong answer, and a case that
was scored is never asked again.
"""
