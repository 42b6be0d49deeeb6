"""Which images there are and which file belongs to which image: lists, ids, patterns and folders.

These modules know names and folders; they do not know what the files contain.
"""
