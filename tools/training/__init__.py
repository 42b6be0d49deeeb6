"""How the reference networks are trained: recipes, scenes, losses, the loop and what is written. No part of `bench`."""
