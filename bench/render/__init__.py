"""From records and tables to what people read, one file per form; renderers never compute a score."""
