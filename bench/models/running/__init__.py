"""Running networks: batches, windows, augmentation, and rules from one form of prediction to
another.
"""
