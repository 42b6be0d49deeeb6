"""Objects in images of numbers: instances, segments and label maps derived from one another."""
