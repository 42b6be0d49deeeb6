"""LVIS: the layout, and its truth and results image by image (`columns`) or in bulk (`bulk`)."""
