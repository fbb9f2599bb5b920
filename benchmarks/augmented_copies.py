"""Which altered copies of real photos are detected as near duplicates, and how many unrelated photos are.

    PYTHONPATH=. .venv/bin/python benchmarks/augmented_copies.py --images 150

Takes the photos of a delivery in the layout of VLM4Bio; a truth file lists the related photos.
"""

import argparse
import csv
import io
import tempfile
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from benchmarks.report import format_table, publish
from nearkin.groups.near_duplicates import near_duplicate_pairs, stack_hashes
from nearkin.images.decode import ImageProblem, decode_rgb
from nearkin.images.dhash import make_thumbnail
from nearkin.images.inspect import add_hashes
from nearkin.synthetic.write_delivery import write_delivery
from nearkin.tables.images import THUMBNAIL_SIDE
from tests.factories.delivery import defaults

SHARED = Path(__file__).parents[2] / "shared/data"
RELATIONS = ("byte_copy", "near_duplicate", "label_conflict", "related_frames")
QUICK = {"seed": 1, "n_species": 9, "largest_species": 3, "image_size": 96, "fault_rate": 0.0}
SEED = 1
EDGES = ("left", "top", "right", "bottom")


def encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return Image.open(file).convert("RGB")


def scale(image, x_factor, y_factor):
    size = max(1, round(image.width * x_factor)), max(1, round(image.height * y_factor))
    return image.resize(size, Image.Resampling.BICUBIC)


def crop(image, left, top, right, bottom):
    width, height = image.size
    box = (left * width, top * height, width * (1 - right), height * (1 - bottom))
    return image.crop([round(edge) for edge in box])


def add_noise(image, level):
    noise = np.random.default_rng(SEED).normal(0, level, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def crop_randomly(image, max_share):
    seed = int(np.asarray(image).sum(dtype=np.int64))
    return crop(image, *np.random.default_rng(seed).uniform(0, max_share, 4))


def add_corner_label(image):
    image = image.copy()
    image.paste("black", (round(image.width * 0.7), round(image.height * 0.92), image.width, image.height))
    return image


def change_brightness(image, factor):
    return ImageEnhance.Brightness(image).enhance(factor)


def change_contrast(image, factor):
    return ImageEnhance.Contrast(image).enhance(factor)


def make_alterations():
    """The functions that alter an image, by description."""
    alterations = {f"JPEG quality {q}": partial(encode, kind="JPEG", quality=q) for q in (20, 40, 60, 90)}
    alterations |= {
        f"resized to {s:.0%}": partial(scale, x_factor=s, y_factor=s) for s in (0.33, 0.5, 0.9, 1.5)
    }
    alterations["half size, JPEG quality 40"] = lambda image: encode(
        scale(image, 0.5, 0.5), "JPEG", quality=40
    )
    alterations["squeezed to 80%"] = partial(scale, x_factor=0.8, y_factor=1)
    alterations["WebP"] = partial(encode, kind="WEBP", quality=50)
    alterations["GIF of 64 colours"] = lambda image: encode(image.quantize(64), "GIF")
    for share in (0.02, 0.03, 0.05, 0.07, 0.1):
        alterations[f"{share:.0%} cut from each side"] = partial(
            crop, left=share, top=share, right=share, bottom=share
        )
    for share in (0.05, 0.1):
        for edge in EDGES:
            shares = dict.fromkeys(EDGES, 0) | {edge: share}
            alterations[f"{share:.0%} cut from one side ({edge})"] = partial(crop, **shares)
        alterations[f"up to {share:.0%} cut from any side"] = partial(crop_randomly, max_share=share)
    alterations["5% cut, JPEG quality 60"] = lambda image: encode(
        crop(image, *[0.05] * 4), "JPEG", quality=60
    )
    alterations |= {f"brightness x {b}": partial(change_brightness, factor=b) for b in (0.6, 0.8, 1.2, 1.4)}
    alterations |= {f"contrast x {c}": partial(change_contrast, factor=c) for c in (0.6, 1.5)}
    alterations["grey"] = lambda image: image.convert("L").convert("RGB")
    alterations["colours x 1.5"] = lambda image: ImageEnhance.Color(image).enhance(1.5)
    alterations["blurred"] = lambda image: image.filter(ImageFilter.GaussianBlur(1))
    alterations["sharpened"] = lambda image: image.filter(ImageFilter.SHARPEN)
    alterations["noise of 15 levels"] = partial(add_noise, level=15)
    alterations["label in a corner"] = add_corner_label
    alterations["white frame of 5%"] = lambda image: ImageOps.expand(
        image, round(min(image.size) / 20), "white"
    )
    alterations["mirrored"] = ImageOps.mirror
    alterations["mirrored, JPEG quality 60"] = lambda image: encode(
        ImageOps.mirror(image), "JPEG", quality=60
    )
    alterations |= {f"turned by {angle} degrees": partial(rotate, angle=angle) for angle in (90, 180)}
    return alterations | {f"tilted by {angle} degrees": partial(rotate, angle=angle) for angle in (2, 5)}


def rotate(image, angle):
    return image.rotate(angle, Image.Resampling.BICUBIC, expand=angle % 90 == 0)


def read_photos(folder):
    """The readable images of a delivery by category, as pairs of name and image."""
    photos = defaultdict(list)
    for path in sorted(folder.glob("datasets/*/chunk_*/*")):
        try:
            photos[path.parts[-3]].append((path.name, decode_rgb(path, 10_000_000)))
        except ImageProblem:
            continue
    return photos


def read_related_names(truth):
    """For each file name, the names that may be in its group."""
    related = {}
    with open(truth, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["defect"] in RELATIONS:
                first, second = Path(row["file"]).name, Path(row["correct_value"]).name
                names = related.get(first, {first}) | related.get(second, {second})
                related.update(dict.fromkeys(names, names))
    return related


def make_thumbnails(images):
    data = b"".join(make_thumbnail(image.convert("L")) for image in images)
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)


def find_pairs(thumbnails, limits):
    """The near duplicates among thumbnails, as pairs of indices."""
    uuids = pl.Series([str(number) for number in range(len(thumbnails))])
    table = add_hashes(
        pl.DataFrame({"uuid": uuids, "thumbnail": [thumbnail.tobytes() for thumbnail in thumbnails]})
    )
    return near_duplicate_pairs(
        uuids,
        stack_hashes(table),
        lambda wanted: thumbnails[wanted.cast(pl.Int64).to_numpy()],
        max_hamming=limits["max_hamming"],
        min_similarity=limits["min_similarity"],
        detect_transformed=limits["detect_transformed"],
    )


def measure_category(photos, related, n_images, limits):
    """The shares of copies that are detected, by alteration, and of originals with an unrelated match."""
    names, images = zip(*photos, strict=True)
    originals = make_thumbnails(images)
    false_positives = {
        row
        for pair in find_pairs(originals, limits)
        for row in pair
        if names[pair[1]] not in related.get(names[pair[0]], {names[pair[0]]})
    }
    sample = np.sort(np.random.default_rng(SEED).permutation(len(images))[:n_images])
    shares = {"unrelated photos": len(false_positives) / len(images)}
    for kind, alter in make_alterations().items():
        copies = make_thumbnails(alter(images[number]) for number in sample)
        pairs = {tuple(pair) for pair in find_pairs(np.concatenate([originals, copies]), limits).tolist()}
        relatives = [
            [index for index, name in enumerate(names) if name in related.get(names[number], {names[number]})]
            for number in sample
        ]
        hits = [
            any((index, len(images) + row) in pairs for index in indices)
            for row, indices in enumerate(relatives)
        ]
        shares[kind] = sum(hits) / len(hits)
    return shares | {"originals": len(images), "copies": len(sample)}


def measure_delivery(folder, truth, n_images, limits):
    """The shares of each category of a delivery, see `measure_category`."""
    related = read_related_names(truth)
    return {
        category: measure_category(photos, related, n_images, limits)
        for category, photos in read_photos(folder).items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=SHARED / "specimens")
    parser.add_argument("--truth", type=Path, default=SHARED / "specimens-truth.csv")
    parser.add_argument("--images", type=int, default=150, help="number of images per category to copy")
    parser.add_argument("--quick", action="store_true", help="a few synthetic images; only prints")
    options = parser.parse_args()
    limits = defaults()["groups"]["near_duplicates"]
    if options.quick:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name, "museum")
            write_delivery(folder, **QUICK, n_workers=1)
            results = measure_delivery(folder, folder / "truth.csv", 2, limits)
    else:
        results = measure_delivery(options.folder, options.truth, options.images, limits)
    kinds = ["unrelated photos", *make_alterations()]
    rows = [[kind, *(f"{shares[kind]:.1%}" for shares in results.values())] for kind in kinds]
    columns = [f"{name} ({shares['copies']} of {shares['originals']})" for name, shares in results.items()]
    if options.quick:
        print(format_table(["", *columns], rows))
        return
    publish("augmented_copies", {"near_duplicates": limits, "results": results}, ["", *columns], rows)


if __name__ == "__main__":
    main()
