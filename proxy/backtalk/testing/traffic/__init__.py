"""Recorded traffic with known truth: records become frames and facts, and what was decided is scored against the truth."""
