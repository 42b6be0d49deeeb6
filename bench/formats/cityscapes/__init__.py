"""Cityscapes: the layout, the meaning of its files (`files`), and stored predictions
(`results`).
"""
