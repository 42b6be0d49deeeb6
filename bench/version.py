"""The version of this package, written once: it is the lowest module, so that every room may import
it.
"""

__version__ = "0.1.0"
