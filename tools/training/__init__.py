"""How the reference networks are trained: recipes, scenes, losses, the loop and the results. Not
part of `bench`.
"""
