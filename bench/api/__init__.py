"""What `bench` offers to Python: evaluate, open and list data, models and metrics, compare and
check runs.

The door `bench/__init__.py` names these functions. Each checks its arguments before any work and
raises errors that name arguments, not flags. This room knows neither the command line nor how
tables are rendered.
"""
