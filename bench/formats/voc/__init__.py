"""PASCAL VOC: what the layout declares (`layout`), and how its files are read and written
(`data_set`, `files`).
"""
