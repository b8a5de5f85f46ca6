"""Recorded traffic with known truth: records become frames and facts; decisions are scored against the truth."""
