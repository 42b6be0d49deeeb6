"""The parser of the command line: declared options, parsing, help and shell completion.

It knows no command and nothing of segmentation.
"""
