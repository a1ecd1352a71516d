"""A picture of a page in few colours: text on paper has few, and a file of them is a third as large."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from playwright.sync_api import Page

__all__ = ["shrink"]

COLOURS = 128

_READ = """async picture => {
    const image = await createImageBitmap(await (await fetch("data:image/png;base64," + picture)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height), drawn = canvas.getContext("2d");
    drawn.drawImage(image, 0, 0);
    const bytes = drawn.getImageData(0, 0, image.width, image.height).data, parts = [];
    for (let at = 0; at < bytes.length; at += 32768)
        parts.push(String.fromCharCode.apply(null, bytes.subarray(at, at + 32768)));
    return [image.width, image.height, btoa(parts.join(""))];
}"""


def shrink(blank: Page, picture: bytes) -> bytes:
    """The PNG in its commonest colours, each other in the nearest of them. `blank` is an empty page, which reads it."""
    width, height, read = blank.evaluate(_READ, base64.b64encode(picture).decode())
    pixels = np.frombuffer(base64.b64decode(read), "<u4")
    found, which, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    colours = found.view(np.uint8).reshape(-1, 4)[:, :3]  # as they came: red, green, blue, and the opaque fourth
    palette = colours[np.argsort(-counts, kind="stable")[:COLOURS]]
    apart = colours.astype(np.int32)[:, None] - palette.astype(np.int32)
    nearest = (apart**2).sum(axis=2).argmin(axis=1).astype(np.uint8)
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = nearest[which].reshape(height, width)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", palette.tobytes()),
            (b"IDAT", zlib.compress(rows.tobytes(), 9)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
