"""A person's own code: found by its name or file, told by its form, and answerable for its own exceptions."""
