"""What an adapter declares, and what every model provides; loads neither torch nor NumPy."""
