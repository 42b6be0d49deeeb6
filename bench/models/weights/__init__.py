"""Files of weights: found, read without running code in them, and matched to a card's classes."""
