"""Records what Pillow makes of resizes, BMP files and a folder of pictures: python goldens.py DEPTHWISE_DATA/images > goldens.json

The inputs are patterns that the test makes itself: byte[y, x, c] = (37x + 91y + 53c + 7xy) mod 256, and seeded noise inside the BMP files.
"""
import base64
import hashlib
import io
import json
import pathlib
import random
import struct
import sys

import PIL
from PIL import Image

FILTERS = {"half-pixel-antialias": Image.Resampling.BILINEAR, "bicubic-antialias": Image.Resampling.BICUBIC}
SMALL = [(4, 4, 3, 3), (5, 5, 2, 2), (7, 5, 3, 9), (3, 2, 8, 5), (1, 1, 3, 2), (9, 1, 4, 1), (2, 13, 2, 5)]
LARGE = [(400, 300, 341, 256), (500, 375, 224, 224), (120, 90, 224, 224), (1023, 37, 50, 224), (640, 480, 309, 232)]


def pattern(width, height, channels):
    data = bytes(
        (37 * x + 91 * y + 53 * c + 7 * x * y) % 256 for y in range(height) for x in range(width) for c in range(channels)
    )
    return Image.frombytes("RGB" if channels == 3 else "L", (width, height), data)


def resizes():
    for rule, pil_filter in FILTERS.items():
        for width, height, out_width, out_height in SMALL + LARGE:
            for channels in (1, 3):
                result = pattern(width, height, channels).resize((out_width, out_height), pil_filter).tobytes()
                case = {"rule": rule, "from": [width, height, channels], "to": [out_width, out_height]}
                small = (width, height, out_width, out_height) in SMALL
                yield {**case, **({"bytes": list(result)} if small else {"sha256": hashlib.sha256(result).hexdigest()})}


def padded(row):
    return row + bytes(-len(row) % 4)


def noise(count):
    return bytes(random.randrange(256) for _ in range(count))


def bitmap(bits, compression, palette, pixels, width=7, height=5, extra=b"", gap=b"", header_size=40):
    offset = 14 + 40 + len(extra) + len(palette) + len(gap)
    colours = len(palette) // 4
    header = struct.pack("<IiiHHIIiiII", header_size, width, height, 1, bits, compression, len(pixels), 2835, 2835, colours, 0)
    file_header = b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset)
    return file_header + header + extra + palette + gap + pixels


def palette(count):
    return b"".join(noise(3) + b"\0" for _ in range(count))


def bmps():
    random.seed(1)
    for bits in (1, 4, 8):
        rows = b"".join(padded(noise((7 * bits + 7) // 8)) for _ in range(5))
        yield f"{bits} bits", bitmap(bits, 0, palette(2**bits), rows)
        yield f"{bits} bits, top-down", bitmap(bits, 0, palette(2**bits), rows, height=-5)
    yield "8 bits, gap before the pixels", bitmap(8, 0, palette(256), rows, gap=b"gap!" * 3)
    for bits in (16, 24, 32):
        rows = b"".join(padded(noise(7 * bits // 8)) for _ in range(5))
        yield f"{bits} bits", bitmap(bits, 0, b"", rows)
        yield f"{bits} bits, top-down", bitmap(bits, 0, b"", rows, height=-5)
    rows16 = b"".join(padded(noise(14)) for _ in range(5))
    yield "16 bits, masks 5-6-5", bitmap(16, 3, b"", rows16, extra=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    yield "32 bits, masks with alpha, V5 header", bitmap(32, 3, b"", rows, extra=masks + bytes(68), header_size=124)
    swapped = struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)
    yield "32 bits, masks of other places", bitmap(32, 3, b"", rows, extra=swapped)
    core_rows = b"".join(padded(noise(4)) for _ in range(5))
    core_palette = noise(48)
    core = struct.pack("<IHHHH", 12, 7, 5, 1, 4) + core_palette + core_rows
    yield "4 bits, OS/2 header", b"BM" + struct.pack("<IHHI", 14 + len(core), 0, 0, 14 + 12 + 48) + core
    runs8 = b"".join(bytes([3]) + noise(1) + bytes([0, 4]) + noise(4) + b"\0\0" for _ in range(5)) + b"\0\1"
    yield "RLE8", bitmap(8, 1, palette(256), runs8)
    odd8 = b"".join(bytes([2]) + noise(1) + bytes([0, 5]) + noise(5) + b"\0\0\0" for _ in range(5)) + b"\0\1"
    yield "RLE8, odd literals", bitmap(8, 1, palette(256), odd8)
    runs4 = b"".join(bytes([3]) + noise(1) + bytes([0, 4]) + noise(2) + b"\0\0" for _ in range(5)) + b"\0\1"
    yield "RLE4", bitmap(4, 2, palette(16), runs4)
    steps = bytes([2, 9, 0, 2, 3, 1, 2, 7, 0, 0, 7, 5, 0, 0, 7, 6, 0, 0, 7, 8, 0, 0, 0, 1])
    beyond = b"".join(bytes([9]) + noise(1) + b"\0\0" for _ in range(5)) + b"\0\1"
    yield "RLE8, runs beyond the row", bitmap(8, 1, palette(256), beyond)
    yield "RLE8, steps", bitmap(8, 1, palette(256), steps)


def decoded(name, data):
    image = Image.open(io.BytesIO(data))
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    encode = lambda raw: base64.b64encode(raw).decode()
    return {"name": name, "file": encode(data), "channels": len(mode), "pixels": encode(image.convert(mode).tobytes())}


def pictures(folder):
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpeg", ".jpg", ".png", ".bmp")):
        digest = hashlib.sha256(Image.open(path).convert("RGB").tobytes()).hexdigest()
        yield [path.relative_to(folder).as_posix(), digest[:16]]


lines = lambda items: "[\n" + ",\n".join("    " + json.dumps(item) for item in items) + "\n  ]"
print(
    f'{{\n  "pillow": "{PIL.__version__}",\n  "resizes": {lines(resizes())},\n'
    f'  "bmps": {lines(decoded(*case) for case in bmps())},\n'
    f'  "pictures": {lines(pictures(pathlib.Path(sys.argv[1])))}\n}}'
)
