"""Files of weights: found, read without running anything in them, told apart, and matched to a card's classes."""
