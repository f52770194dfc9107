"""Records what CLIPImageProcessor makes of pictures, with and without LLaVA's border, for ClipPreprocessingTest.

    pip install transformers==4.51.3 pillow==11.1.0 numpy     # Pillow below 13: later ones resize in another order
    python record_clip.py FILE     # FILE: core/src/test/resources/recorded-models/clip.json

Pictures are drawn by a formula. For each: SHA-256 of the bytes of the picture that is cut out, and some of the numbers
that the vision model is given.
"""
import hashlib
import json
import sys

import numpy
from PIL import Image
from transformers import CLIPImageProcessor

SIZES = [(50, 30), (30, 50), (48, 48), (24, 24), (333, 17), (17, 120), (25, 24), (100, 201)]
SIDE = 24


def picture(width, height):
    x, y, c = numpy.meshgrid(numpy.arange(width), numpy.arange(height), numpy.arange(3), indexing="ij")
    levels = (x * 7 + y * 13 + c * 50 + (x * y) % 31 * 5) % 256
    return Image.fromarray(levels.transpose(1, 0, 2).astype(numpy.uint8))


def squared(image, color):
    """LLaVA's expand2square: the picture in the middle of a square of its longer side."""
    side = max(image.size)
    square = Image.new("RGB", (side, side), color)
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def main(file):
    processor = CLIPImageProcessor(size=dict(shortest_edge=SIDE), crop_size=dict(height=SIDE, width=SIDE))
    color = tuple(int(mean * 255) for mean in processor.image_mean)
    cases = []
    for width, height in SIZES:
        for padded in (False, True):
            image = picture(width, height)
            if padded:
                image = squared(image, color)
            cut = processor.preprocess(image, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"]
            levels = numpy.ascontiguousarray(cut[0].transpose(1, 2, 0)).astype(numpy.uint8)
            pixels = processor.preprocess(image, return_tensors="np")["pixel_values"][0].astype(numpy.float32).ravel()
            cases.append(dict(width=width, height=height, padded=padded,
                              sha256=hashlib.sha256(levels.tobytes()).hexdigest(),
                              pixels={str(i): float(pixels[i]) for i in range(0, pixels.size, 347)}))
    with open(file, "w", encoding="utf-8") as out:
        json.dump(cases, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
