"""Feedback from files: CSV, JSONL or Parquet comes in, goes through the public door, and a report comes out."""
