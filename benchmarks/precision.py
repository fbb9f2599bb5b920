"""What bf16 and fast decoding change on a real delivery: recall, and each single query.

    PYTHONPATH=. .venv/bin/python benchmarks/precision.py results/specimens --folder ../shared/data/specimens

Takes a study that has run, with its model `lite0`. All its images query each other (leave one
out, group mates exclude_same_group): as they were delivered for the precision, and enlarged for the decoder,
since only large photos are decoded faster.
"""

import argparse
import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import torch
from PIL import Image

from benchmarks.report import publish, table
from nearkin.embeddings.embed import embed_pixels
from nearkin.encoders.encoder import load_encoder
from nearkin.encoders.inference import optimise_for_inference
from nearkin.images.reader import ImageFileReader
from nearkin.search import search
from nearkin.storage import tables
from nearkin.tables.images import Inspection
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits

MODEL, BATCH, THREADS = "lite0", 8, 1
QUICK = 16
DELIVERED = [("fp32", "exact"), ("bf16", "exact")]
ENLARGED = [("fp32", "exact"), ("fp32", "fast"), ("bf16", "fast")]


def enlarged(inspection, folder, place, times):
    """The images of an inspection as JPEGs so many times as wide, in the folder `place`."""

    def enlarge(row):
        path = Path(place, f"{row['uuid']}.jpg")
        with Image.open(Path(folder, row["path"])) as image:
            size = [side * times for side in image.size]
            image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
        data = path.read_bytes()
        return row | {"path": path.name, "n_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    with ThreadPoolExecutor(THREADS) as pool:
        rows = list(pool.map(enlarge, inspection.iter_rows(named=True)))
    return pl.DataFrame(rows, schema=inspection.schema)


def vectors_of(study, inspection, folder, *, precision, decode):
    """`(uuids, vectors)` of the images of an inspection."""
    encoder = Path(study, MODEL, "encoder")
    encoder = optimise_for_inference(
        load_encoder(encoder / "weights.safetensors", encoder / "encoder.json"), precision=precision
    )
    preprocessing = {
        "folder": folder,
        "geometry": encoder.description.geometry,
        "decode": decode,
        "max_megapixels": 178,
    }
    photos = ImageFileReader(inspection, preprocessing=preprocessing, n_threads=THREADS)
    table = pl.concat(embed_pixels(encoder, photos, batch_size=BATCH, cached=None, model=MODEL))
    return photos.uuids, table["emb"].to_numpy()


def nearest(study, uuids, vectors):
    """Each query's nearest image, and whether it is of its species."""
    labels = tables.read(study / "labels.parquet", Labels)
    splits = tables.read(study / "splits.parquet", Splits).with_columns(split=pl.lit("test"))
    splits = splits.join(uuids.to_frame("uuid"), on="uuid", how="semi")
    where = dict(zip(uuids, range(len(uuids)), strict=True))

    def vectors_of(wanted):
        return vectors[[where[uuid] for uuid in wanted]]

    found = search.search_protocol(
        splits, vectors_of, protocol="leave_one_out", depth=1, exclude_same_group=True
    )
    species = labels.select("uuid", "path", "species")
    found = found.select("neighbour", uuid="query").join(species, on="uuid")
    theirs = species.select(neighbour="uuid", found="species")
    return (
        found.join(theirs, on="neighbour").with_columns(hit=pl.col("species") == pl.col("found")).sort("uuid")
    )


def changed(before, after):
    """The queries that one way hits and the other does not."""
    flipped = before.with_columns(after=after["hit"]).filter(pl.col("hit") != pl.col("after"))
    return {path: "lost" if hit else "won" for path, hit in flipped.select("path", "hit").sort("path").rows()}


def measure(study, inspection, folder, ways):
    """Per way: recall, points above the first way, and how many queries changed, and which."""
    results, first = [], None
    for precision, decode in ways:
        found = nearest(study, *vectors_of(study, inspection, folder, precision=precision, decode=decode))
        first = found if first is None else first
        flipped = changed(first, found)
        results.append(
            {
                "precision": precision,
                "decode": decode,
                "n_queries": len(found),
                "recall": found["hit"].mean(),
                "diff_pp": 100 * (found["hit"].mean() - first["hit"].mean()),
                "other_neighbour": int((found["neighbour"] != first["neighbour"]).sum()),
                "changed": flipped,
            }
        )
    return results


def row(photos, found):
    n, flipped = found["n_queries"], list(found["changed"].values())
    shares = [f"{count} ({count / n:.1%})" for count in (found["other_neighbour"], len(flipped))]
    won = f"{shares[1]}, {flipped.count('won')} won"
    return [
        photos,
        found["precision"],
        found["decode"],
        f"{found['recall']:.4f}",
        f"{found['diff_pp']:+.2f}",
        shares[0],
        won,
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("study", type=Path, help="results of a study with the model lite0")
    parser.add_argument("--folder", type=Path, required=True, help="where its images were delivered")
    parser.add_argument("--enlarge", type=int, default=6)
    parser.add_argument("--quick", action="store_true", help="few images, little enlarged; only prints")
    arguments = parser.parse_args()
    n_times = 2 if arguments.quick else arguments.enlarge
    torch.set_num_threads(THREADS)
    study = arguments.study
    splits = tables.read(study / "splits.parquet", Splits)
    inspection = tables.read_all(sorted(study.glob("inspection/*.parquet")), Inspection)
    inspection = inspection.join(splits, on="uuid", how="semi")
    if arguments.quick:
        inspection = inspection.sort("uuid").head(QUICK)
    results = {"as delivered": measure(study, inspection, arguments.folder, DELIVERED)}
    with tempfile.TemporaryDirectory() as place:
        large = enlarged(inspection, arguments.folder, place, n_times)
        results[f"enlarged {n_times} times"] = measure(study, large, place, ENLARGED)
    header = [
        "photos",
        "precision",
        "decode",
        "species recall@1",
        "diff_pp",
        "another nearest image",
        "changed hits",
    ]
    rows = [row(photos, found) for photos, ways in results.items() for found in ways]
    if arguments.quick:
        print(table(header, rows))
        return
    publish("precision", {"model": MODEL, "results": results}, header, rows)


if __name__ == "__main__":
    main()
