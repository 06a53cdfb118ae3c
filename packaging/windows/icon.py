#!/usr/bin/env python3
"""Draws aam-backup.ico beside this file: an arrow down into a tray, on a square with round corners."""

import struct
import zlib
from pathlib import Path

GROUND = (0x1B, 0x5E, 0x8C)
SIZES = [16, 24, 32, 48, 64, 256]
FINE = 4  # samples in each direction for one pixel


def is_in_square(x, y, radius=0.18):
    dx = max(radius - x, x - (1 - radius), 0)
    dy = max(radius - y, y - (1 - radius), 0)
    return dx * dx + dy * dy <= radius * radius


def is_in_sign(x, y):
    shaft = abs(x - 0.5) <= 0.08 and 0.16 <= y <= 0.45
    head = 0.40 <= y <= 0.64 and abs(x - 0.5) <= 0.64 - y
    floor = 0.22 <= x <= 0.78 and 0.72 <= y <= 0.82
    walls = (0.22 <= x <= 0.31 or 0.69 <= x <= 0.78) and 0.60 <= y <= 0.82
    return shaft or head or floor or walls


def pixel(column, row, size):
    samples = [(i + 0.5) / FINE for i in range(FINE)]
    points = [((column + dx) / size, (row + dy) / size) for dx in samples for dy in samples]
    inside = [point for point in points if is_in_square(*point)]
    if not inside:
        return (0, 0, 0, 0)
    white = sum(is_in_sign(*point) for point in inside) / len(inside)
    color = tuple(round(part + (255 - part) * white) for part in GROUND)
    return (*color, round(255 * len(inside) / len(points)))


def png(size):
    rows = (b"\0" + bytes(part for column in range(size) for part in pixel(column, row, size)) for row in range(size))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"".join(rows), 9)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def main():
    images = [png(size) for size in SIZES]
    at = 6 + 16 * len(images)
    directory = struct.pack("<HHH", 0, 1, len(images))
    for size, image in zip(SIZES, images):
        directory += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(image), at)
        at += len(image)
    Path(__file__).with_name("aam-backup.ico").write_bytes(directory + b"".join(images))


if __name__ == "__main__":
    main()
