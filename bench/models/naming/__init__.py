"""From the name that follows `--model` to an adapter, or to an error that says what to type."""
