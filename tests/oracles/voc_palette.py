"""The VOC palette by moving one bit at a time."""


def color(index: int) -> tuple[int, int, int]:
    """Bits 0, 3, 6 of the index are the top bits of red, 1, 4, 7 of green, 2, 5 of blue."""
    parts = [0, 0, 0]
    for bit in range(8):
        if index >> bit & 1:
            parts[bit % 3] += 128 >> bit // 3
    return parts[0], parts[1], parts[2]
