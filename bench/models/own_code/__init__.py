"""A person's own code: found by name or file, called by its form, and its exceptions reported as its own."""
