"""Renderers: records, comparisons and tables as text for people; they never compute a score."""
