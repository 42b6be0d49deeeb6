"""Networks without weights: the reference networks, and those of the libraries."""
