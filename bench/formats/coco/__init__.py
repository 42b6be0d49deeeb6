"""COCO: the layout, and the JSON forms of objects and segments that other layouts read and write
too.

`layout.py` reads and writes a whole data set. Objects are in `json_files`, `instances` and `masks`,
in bulk in `columns` and `unusual`; segments in `panoptic` and the two files beside it; other
layouts use `named_results`.
"""
