"""How bf16 and fast decoding change the results of a real delivery: recall, and each query.

    PYTHONPATH=. .venv/bin/python benchmarks/precision.py results/specimens --folder ../shared/data/specimens

Takes a finished study with the model `lite0`. All its images query each other (leave-one-out,
without images of the same group): as delivered to test the precision, and enlarged to test the
decoder, since fast decoding affects only large photos.
"""

import argparse
import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import torch
from PIL import Image

from benchmarks.report import format_table, publish
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
N_QUICK = 16
SMALL_SETTINGS = [("fp32", "exact"), ("bf16", "exact")]
LARGE_SETTINGS = [("fp32", "exact"), ("fp32", "fast"), ("bf16", "fast")]


def enlarge_images(inspection, folder, large_folder, factor):
    """The images of an inspection as JPEGs `factor` times as wide, written into `large_folder`."""

    def enlarge(row):
        path = Path(large_folder, f"{row['uuid']}.jpg")
        with Image.open(Path(folder, row["path"])) as image:
            size = [n_pixels * factor for n_pixels in image.size]
            image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
        data = path.read_bytes()
        return row | {"path": path.name, "n_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    with ThreadPoolExecutor(THREADS) as pool:
        rows = list(pool.map(enlarge, inspection.iter_rows(named=True)))
    return pl.DataFrame(rows, schema=inspection.schema)


def embed_photos(study, inspection, folder, *, precision, decode):
    """`(uuids, vectors)` of the images of an inspection."""
    encoder_folder = Path(study, MODEL, "encoder")
    encoder = optimise_for_inference(
        load_encoder(encoder_folder / "weights.safetensors", encoder_folder / "encoder.json"),
        precision=precision,
    )
    preprocessing = {
        "folder": folder,
        "geometry": encoder.description.geometry,
        "decode": decode,
        "max_megapixels": 178,
    }
    photos = ImageFileReader(inspection, preprocessing=preprocessing, n_threads=THREADS)
    embeddings = pl.concat(embed_pixels(encoder, photos, batch_size=BATCH, cached=None, model=MODEL))
    return photos.uuids, embeddings["emb"].to_numpy()


def find_nearest(study, uuids, vectors):
    """Each query's nearest image, and whether it has the same species."""
    labels = tables.read(study / "labels.parquet", Labels)
    splits = tables.read(study / "splits.parquet", Splits).with_columns(split=pl.lit("test"))
    splits = splits.join(uuids.to_frame("uuid"), on="uuid", how="semi")
    row_of = dict(zip(uuids, range(len(uuids)), strict=True))

    def load_vectors(wanted):
        return vectors[[row_of[uuid] for uuid in wanted]]

    neighbours = search.search_protocol(
        splits, load_vectors, protocol="leave_one_out", depth=1, exclude_same_group=True
    )
    species = labels.select("uuid", "path", "species")
    queries = neighbours.select("neighbour", uuid="query").join(species, on="uuid")
    neighbour_species = species.select(neighbour="uuid", neighbour_species="species")
    is_hit = pl.col("species") == pl.col("neighbour_species")
    return queries.join(neighbour_species, on="neighbour").with_columns(hit=is_hit).sort("uuid")


def find_changes(before, after):
    """The queries that hit in only one of two results, and whether the hit was gained or lost."""
    flips = before.with_columns(after=after["hit"]).filter(pl.col("hit") != pl.col("after"))
    return {
        path: "lost" if hit else "gained" for path, hit in flips.select("path", "hit").sort("path").rows()
    }


def measure(study, inspection, folder, settings):
    """Per setting: recall, its difference from the first setting, and the queries that changed."""
    results, first = [], None
    for precision, decode in settings:
        uuids, vectors = embed_photos(study, inspection, folder, precision=precision, decode=decode)
        nearest = find_nearest(study, uuids, vectors)
        first = nearest if first is None else first
        results.append(
            {
                "precision": precision,
                "decode": decode,
                "n_queries": len(nearest),
                "recall": nearest["hit"].mean(),
                "diff_pp": 100 * (nearest["hit"].mean() - first["hit"].mean()),
                "other_neighbour": int((nearest["neighbour"] != first["neighbour"]).sum()),
                "changes": find_changes(first, nearest),
            }
        )
    return results


def make_row(photos, result):
    n, changes = result["n_queries"], list(result["changes"].values())
    shares = [f"{count} ({count / n:.1%})" for count in (result["other_neighbour"], len(changes))]
    return [
        photos,
        result["precision"],
        result["decode"],
        f"{result['recall']:.4f}",
        f"{result['diff_pp']:+.2f}",
        shares[0],
        f"{shares[1]}, {changes.count('gained')} gained",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("study", type=Path, help="results folder of a study with the model lite0")
    parser.add_argument("--folder", type=Path, required=True, help="folder of its delivered images")
    parser.add_argument("--enlarge", type=int, default=6)
    parser.add_argument("--quick", action="store_true", help="few images, slightly enlarged; only prints")
    arguments = parser.parse_args()
    factor = 2 if arguments.quick else arguments.enlarge
    torch.set_num_threads(THREADS)
    study = arguments.study
    splits = tables.read(study / "splits.parquet", Splits)
    inspection = tables.read_all(sorted(study.glob("inspection/*.parquet")), Inspection)
    inspection = inspection.join(splits, on="uuid", how="semi")
    if arguments.quick:
        inspection = inspection.sort("uuid").head(N_QUICK)
    results = {"as delivered": measure(study, inspection, arguments.folder, SMALL_SETTINGS)}
    with tempfile.TemporaryDirectory() as large_folder:
        large = enlarge_images(inspection, arguments.folder, large_folder, factor)
        results[f"enlarged {factor} times"] = measure(study, large, large_folder, LARGE_SETTINGS)
    header = [
        "photos",
        "precision",
        "decode",
        "species recall@1",
        "diff_pp",
        "another nearest image",
        "changed hits",
    ]
    rows = [make_row(photos, result) for photos, records in results.items() for result in records]
    if arguments.quick:
        print(format_table(header, rows))
        return
    publish("precision", {"model": MODEL, "results": results}, header, rows)


if __name__ == "__main__":
    main()
