"""The user's own code as a model: found by name or file, called by its form, its errors
reported.
"""
