"""How an adapter becomes a model: its weights found, its network built and filled, its classes
matched.
"""
