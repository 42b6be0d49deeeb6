"""Networks without weights: the reference ones, and those of the libraries as their weights tell them."""
