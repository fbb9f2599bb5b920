"""Which altered copies of real photos are found as near duplicates, and how many strangers are.

    PYTHONPATH=. .venv/bin/python benchmarks/copies.py --images 150

Takes the photos of a delivery in the layout of VLM4Bio; a truth file says which belong together.
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

from benchmarks.report import publish, table
from nearkin.groups.near_duplicates import near_duplicate_pairs, stack_hashes
from nearkin.images.decode import ImageProblem, decode_rgb
from nearkin.images.dhash import make_thumbnail
from nearkin.images.inspect import add_hashes
from nearkin.synthetic.write_delivery import write_delivery
from nearkin.tables.images import THUMBNAIL_SIDE
from tests.factories.delivery import defaults

SHARED = Path(__file__).parents[2] / "shared/data"
RELATED = ("byte_copy", "near_duplicate", "label_conflict", "related_frames")
QUICK = {"seed": 1, "n_species": 9, "largest_species": 3, "image_size": 96, "fault_rate": 0.0}
SEED = 1
SIDES = ("left", "top", "right", "bottom")


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return Image.open(file).convert("RGB")


def scaled(image, across, down):
    size = max(1, round(image.width * across)), max(1, round(image.height * down))
    return image.resize(size, Image.Resampling.BICUBIC)


def cut(image, left, top, right, bottom):
    width, height = image.size
    box = (left * width, top * height, width * (1 - right), height * (1 - bottom))
    return image.crop([round(edge) for edge in box])


def noisy(image, level):
    noise = np.random.default_rng(SEED).normal(0, level, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def randomly_cut(image, most):
    seed = int(np.asarray(image).sum(dtype=np.int64))
    return cut(image, *np.random.default_rng(seed).uniform(0, most, 4))


def marked(image):
    image = image.copy()
    image.paste("black", (round(image.width * 0.7), round(image.height * 0.92), image.width, image.height))
    return image


def bright(image, factor):
    return ImageEnhance.Brightness(image).enhance(factor)


def contrasted(image, factor):
    return ImageEnhance.Contrast(image).enhance(factor)


def kinds():
    """What is done to an image, by its name in words."""
    alter = {f"JPEG quality {q}": partial(encoded, kind="JPEG", quality=q) for q in (20, 40, 60, 90)}
    alter |= {f"resized to {s:.0%}": partial(scaled, across=s, down=s) for s in (0.33, 0.5, 0.9, 1.5)}
    alter["half size, JPEG quality 40"] = lambda image: encoded(scaled(image, 0.5, 0.5), "JPEG", quality=40)
    alter["squeezed to 80%"] = partial(scaled, across=0.8, down=1)
    alter["WebP"] = partial(encoded, kind="WEBP", quality=50)
    alter["GIF of 64 colours"] = lambda image: encoded(image.quantize(64), "GIF")
    for share in (0.02, 0.03, 0.05, 0.07, 0.1):
        alter[f"{share:.0%} cut from each side"] = partial(
            cut, left=share, top=share, right=share, bottom=share
        )
    for share in (0.05, 0.1):
        for side in SIDES:
            one = dict.fromkeys(SIDES, 0) | {side: share}
            alter[f"{share:.0%} cut from one side ({side})"] = partial(cut, **one)
        alter[f"up to {share:.0%} cut from any side"] = partial(randomly_cut, most=share)
    alter["5% cut, JPEG quality 60"] = lambda image: encoded(cut(image, *[0.05] * 4), "JPEG", quality=60)
    alter |= {f"brightness x {b}": partial(bright, factor=b) for b in (0.6, 0.8, 1.2, 1.4)}
    alter |= {f"contrast x {c}": partial(contrasted, factor=c) for c in (0.6, 1.5)}
    alter["grey"] = lambda image: image.convert("L").convert("RGB")
    alter["colours x 1.5"] = lambda image: ImageEnhance.Color(image).enhance(1.5)
    alter["blurred"] = lambda image: image.filter(ImageFilter.GaussianBlur(1))
    alter["sharpened"] = lambda image: image.filter(ImageFilter.SHARPEN)
    alter["noise of 15 levels"] = partial(noisy, level=15)
    alter["label in a corner"] = marked
    alter["white frame of 5%"] = lambda image: ImageOps.expand(image, round(min(image.size) / 20), "white")
    alter["mirrored"] = ImageOps.mirror
    alter["mirrored, JPEG quality 60"] = lambda image: encoded(ImageOps.mirror(image), "JPEG", quality=60)
    alter |= {f"turned by {angle} degrees": partial(turned, angle=angle) for angle in (90, 180)}
    return alter | {f"tilted by {angle} degrees": partial(turned, angle=angle) for angle in (2, 5)}


def turned(image, angle):
    return image.rotate(angle, Image.Resampling.BICUBIC, expand=angle % 90 == 0)


def photos(folder):
    """The images of a delivery that can be read, by category: name and image."""
    found = defaultdict(list)
    for path in sorted(folder.glob("datasets/*/chunk_*/*")):
        try:
            found[path.parts[-3]].append((path.name, decode_rgb(path, 10_000_000)))
        except ImageProblem:
            continue
    return found


def related(truth):
    """For each file name, the names that it may be grouped with."""
    family = {}
    with open(truth, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["defect"] in RELATED:
                first, second = Path(row["file"]).name, Path(row["correct_value"]).name
                merged = family.get(first, {first}) | family.get(second, {second})
                family.update(dict.fromkeys(merged, merged))
    return family


def thumbnails(images):
    small = b"".join(make_thumbnail(image.convert("L")) for image in images)
    return np.frombuffer(small, dtype=np.uint8).reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)


def pairs(small, near):
    """The near duplicates among thumbnails, as pairs of positions."""
    uuids = pl.Series([str(number) for number in range(len(small))])
    table = add_hashes(pl.DataFrame({"uuid": uuids, "thumbnail": [one.tobytes() for one in small]}))
    return near_duplicate_pairs(
        uuids,
        stack_hashes(table),
        lambda wanted: small[wanted.cast(pl.Int64).to_numpy()],
        max_hamming=near["max_hamming"],
        min_similarity=near["min_similarity"],
        detect_transformed=near["detect_transformed"],
    )


def measure(images, family, n_images, near):
    """The share of copies that are found, by kind, and of originals paired with a stranger."""
    names, images = zip(*images, strict=True)
    originals = thumbnails(images)
    strangers = {
        row
        for pair in pairs(originals, near)
        for row in pair
        if names[pair[1]] not in family.get(names[pair[0]], {names[pair[0]]})
    }
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(images))[:n_images])
    found = {"strangers": len(strangers) / len(images)}
    for kind, alter in kinds().items():
        copies = thumbnails(alter(images[number]) for number in chosen)
        tied = {tuple(pair) for pair in pairs(np.concatenate([originals, copies]), near).tolist()}
        relatives = [
            [other for other, name in enumerate(names) if name in family.get(names[number], {names[number]})]
            for number in chosen
        ]
        hits = [
            any((other, len(images) + at) in tied for other in others) for at, others in enumerate(relatives)
        ]
        found[kind] = sum(hits) / len(hits)
    return found | {"originals": len(images), "copies": len(chosen)}


def measured(folder, truth, n_images, near):
    """What `measure` finds in each category of a delivery."""
    family = related(truth)
    return {category: measure(images, family, n_images, near) for category, images in photos(folder).items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=SHARED / "specimens")
    parser.add_argument("--truth", type=Path, default=SHARED / "specimens-truth.csv")
    parser.add_argument("--images", type=int, default=150, help="images of a category that are copied")
    parser.add_argument("--quick", action="store_true", help="a few drawn images; only prints")
    options = parser.parse_args()
    near = defaults()["groups"]["near_duplicates"]
    if options.quick:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name, "museum")
            write_delivery(folder, **QUICK, n_workers=1)
            results = measured(folder, folder / "truth.csv", 2, near)
    else:
        results = measured(options.folder, options.truth, options.images, near)
    rows = [[kind, *(f"{found[kind]:.1%}" for found in results.values())] for kind in ["strangers", *kinds()]]
    counted = [f"{name} ({found['copies']} of {found['originals']})" for name, found in results.items()]
    if options.quick:
        print(table(["", *counted], rows))
        return
    publish("copies", {"near_duplicates": near, "found": results}, ["", *counted], rows)


if __name__ == "__main__":
    main()
