"""Images and label files matched by patterns: the layout `pairs`, and two folders without a card
(`two_folders`).
"""
