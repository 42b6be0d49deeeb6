"""From images to predictions: batches, windows, augmentation, and the rules from one form to another."""
