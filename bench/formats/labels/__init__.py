"""Label files: what their pixel values or colours mean, one map at a time or many pairs of maps at
once.
"""
