"""What finished counts say against how the predictions were read, for the families that offer `doubts`."""
