"""What a layout in a folder of its own implements."""
