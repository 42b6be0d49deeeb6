"""Networks that come whole in one file: what the file says, what a sidecar adds, and how they are run."""
