"""The metrics, one file per task: `count` makes rows of additive counts, `score` turns weighted counts into scores.

Metrics never see files, models, statistics or tables.
"""
