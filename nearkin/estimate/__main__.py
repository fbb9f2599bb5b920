"""Print what a run would do and cost, without doing it: `make estimate CONFIG=config/config.yaml`.

A dry run of Snakemake gives the jobs; the expensive stages are measured for seconds on this
machine, on a few of the images and with random weights.
"""

import argparse
import json
import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import TypedDict, cast

import polars as pl
import yaml

from nearkin.driver.config import resolve_config, root_model
from nearkin.driver.config_types import Config
from nearkin.driver.dry_run import run_dry
from nearkin.driver.planned_jobs import Job, parse_dry_run, read_previous_seconds
from nearkin.encoders.architectures import Architecture
from nearkin.encoders.encoder import read_spec
from nearkin.estimate import counts, microbenchmarks
from nearkin.estimate import model as cost_model
from nearkin.images.settings import Geometry
from nearkin.images.source import Preprocessing
from nearkin.runtime.memory import available_memory

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
N_SAMPLE = 24
WORKERS = 8
"""Threads of generate_synthetic, cache_pixels and search_neighbours; never more than cores."""


class Estimate(TypedDict, total=False):
    """The fields of a `StageEstimate` that are estimated."""

    n_images: float
    seconds: float | None
    n_bytes: float
    memory: float
    rate: str


class Dataset:
    """A dataset of the study before a run: its planned jobs, how many images it has, and rates."""

    def __init__(self, name: str, config: Config, jobs: Iterable[Job], *, cores: int, scratch: str) -> None:
        self.name, self.config, self.cores = name, config, cores
        self.settings, self.threads = config["datasets"][name], config["encoder_threads"]
        self.n_jobs = Counter(
            (job.rule, _format_subject(job)) for job in jobs if job.wildcards.get("dataset") == name
        )
        source, images_path = self.settings["source"], Path(f"results/{name}/images.parquet")
        is_synthetic = source["layout"] == "synthetic"
        self.folder = f"results/{name}/delivery" if is_synthetic else cast("str", source.get("folder"))
        self.trusted = source["follow_links"]
        if images_path.exists() and ("list_images", "") not in self.n_jobs:
            n_images = counts.count_listed(images_path)
        else:
            n_images = counts.count_images(source, self.folder)
        self.is_counted, self.n_images = n_images is not None, n_images or 0
        self.split_sizes = cost_model.split_sizes(self.n_images, self.settings["split"])
        if ("generate_synthetic", "") in self.n_jobs:
            self.drawing = microbenchmarks.measure_drawing(source["synthetic"], scratch, n=N_SAMPLE // 4)
            self.folder = scratch
        self.sample = (
            counts.sample_images(self.folder, N_SAMPLE, self.trusted) if os.path.isdir(self.folder) else []
        )

    def lines(self) -> Iterator[cost_model.StageEstimate]:
        """A line for each stage and model; without seconds where they are unknown."""
        stages: dict[str, Callable[[str, int], Estimate]] = {
            "generate_synthetic": self.generate_synthetic,
            "inspect_images": self.inspect_images,
            "cache_pixels": self.cache_pixels,
            "prepare_encoder": self.prepare_encoder,
            "finetune_encoder": self.finetune_encoder,
            "embed_images": self.embed_images,
            "search_neighbours": self.search_neighbours,
        }
        for (rule, subject), n_jobs in self.n_jobs.items():
            estimate: Estimate = {}
            if rule in stages and self.n_images and self.sample:
                estimate = stages[rule](subject, n_jobs)
            if estimate.get("seconds") is None:
                previous = read_previous_seconds("logs/resource_usage", rule, self.name, *subject.split())
                estimate["seconds"] = previous
                estimate["rate"] = "" if previous is None else "as in the last run"
            yield cost_model.StageEstimate(rule, f"{self.name} {subject}".strip(), n_jobs, **estimate)

    def generate_synthetic(self, subject: str, n_jobs: int) -> Estimate:
        """The estimate of all images, from the measured ones."""
        seconds, n_bytes = self.drawing
        work = self.n_images * seconds / min(WORKERS, self.cores)
        rate = cost_model.per_second(seconds, "by one thread")
        return {"n_images": self.n_images, "seconds": work, "n_bytes": self.n_images * n_bytes, "rate": rate}

    def inspect_images(self, subject: str, n_jobs: int) -> Estimate:
        """The estimate of the images of `n_jobs` shards."""
        n_images, (_, seconds) = self._count_images(n_jobs), self.inspection
        work = cost_model.elapsed(n_images * seconds, n_jobs, threads=1, cores=self.cores)
        return {
            "n_images": n_images,
            "seconds": work,
            "rate": cost_model.per_second(seconds, "by one thread"),
        }

    def cache_pixels(self, preprocess: str, n_jobs: int) -> Estimate:
        """The estimate of `n_jobs` shards under a preprocessing; without seconds if no image is readable."""
        n_images, seconds = self._count_images(n_jobs), self._measure_decoding(preprocess)
        n_bytes = n_images * 3 * self.config["preprocessing"][preprocess]["size"] ** 2
        if seconds is None:
            return {"n_images": n_images, "n_bytes": n_bytes}
        work = n_images * seconds / min(self.cores, WORKERS * n_jobs)
        rate = cost_model.per_second(seconds, "by one thread")
        return {"n_images": n_images, "seconds": work, "n_bytes": n_bytes, "rate": rate}

    def prepare_encoder(self, model: str, n_jobs: int) -> Estimate:
        """The size of the weights of a model; nothing if its architecture is unknown."""
        network = self._measure_network(model)
        return {"n_bytes": 4 * network.n_parameters} if network else {}

    def finetune_encoder(self, model: str, n_jobs: int) -> Estimate:
        """The estimate of a training; nothing if the architecture of its base is unknown."""
        finetune = self.config["models"][model].get("finetune")
        architecture, network = self._find_architecture(model), self._measure_network(model)
        if finetune is None or architecture is None or network is None:
            return {}
        geometry = self._get_geometry(self._get_preprocess(model))
        frozen, learning = microbenchmarks.measure_learning(
            architecture, geometry, width=network.width, trainable=finetune["trainable"], threads=self.threads
        )
        seconds = cost_model.training_seconds(self.split_sizes, finetune, frozen=frozen, learning=learning)
        rate = cost_model.per_second(learning, f"by {self.threads} threads, {finetune['epochs']} times")
        if frozen:
            rate += f", after {cost_model.per_second(frozen, 'once')}"
        n_train = self.split_sizes["train"]
        return {"n_images": n_train, "seconds": seconds, "n_bytes": 4 * network.n_parameters, "rate": rate}

    def embed_images(self, model: str, n_jobs: int) -> Estimate:
        """The estimate of `n_jobs` shards; only the images if the architecture is unknown."""
        network, n_images = self._measure_network(model), self._count_images(n_jobs)
        if network is None:
            return {"n_images": n_images}
        preprocess = self._get_preprocess(model)
        seconds = network.seconds
        if not self.config["preprocessing"][preprocess]["cache"]:  # decoded meanwhile, by as many threads
            seconds = max(seconds, (self._measure_decoding(preprocess) or 0) / self.threads)
        work = cost_model.elapsed(n_images * seconds, n_jobs, threads=self.threads, cores=self.cores)
        rate = cost_model.per_second(seconds, f"by {self.threads} threads")
        return {"n_images": n_images, "seconds": work, "n_bytes": 4 * network.width * n_images, "rate": rate}

    def search_neighbours(self, model: str, n_jobs: int) -> Estimate:
        """The estimate of `n_jobs` chunks of the queries; nothing if the architecture is unknown."""
        network = self._measure_network(model)
        if network is None:
            return {}
        search = self.config["search"]
        n_queries, n_pairs, n_rows = cost_model.search_workload(
            self.split_sizes, search["protocols"], search["n_neighbours"]
        )
        threads, share = min(WORKERS, self.cores), n_jobs / search["query_chunks"]
        query, pair = _measure_search(network.width, depth=search["n_neighbours"], threads=threads)
        work = n_queries * query + n_pairs * pair
        return {
            "n_images": self.n_images,
            "seconds": share * cost_model.elapsed(work, n_jobs, threads=threads, cores=self.cores),
            "n_bytes": 2 * n_rows * cost_model.NEIGHBOUR_BYTES,  # in chunks, and joined
            "memory": cost_model.search_memory(self.n_images, network.width),
            "rate": f"{n_queries / work:,.0f} queries/s by {threads} threads",
        }

    @cached_property
    def inspection(self) -> tuple[pl.DataFrame, float]:
        """The inspection of the sample, and its seconds per image."""
        limit = self.settings["inspection"]["max_megapixels"]
        return microbenchmarks.measure_inspecting(
            self.sample, self.folder, max_megapixels=limit, trusted=self.trusted
        )

    def _count_images(self, n_shards: int) -> float:
        """About how many images are in so many shards."""
        return self.n_images * n_shards / self.config["shards"]

    def _measure_decoding(self, preprocess: str) -> float | None:
        preprocessing: Preprocessing = {
            "folder": self.folder,
            "trusted": self.trusted,
            "geometry": self._get_geometry(preprocess),
            "decode": self.config["preprocessing"][preprocess]["decode"],
            "max_megapixels": self.settings["inspection"]["max_megapixels"],
        }
        return microbenchmarks.measure_decoding(self.inspection[0], preprocessing)

    def _get_preprocess(self, model: str) -> str:
        """The name of a model's preprocessing; external models, which are not embedded, have none."""
        root = self.config["models"][root_model(self.config["models"], model)]
        return cast("str", root.get("preprocess"))

    def _get_geometry(self, preprocess: str) -> Geometry:
        own = self.config["preprocessing"][preprocess]
        return {"size": own["size"], "crop_pct": own["crop_pct"], "interpolation": own["interpolation"]}

    def _find_architecture(self, model: str) -> Architecture | None:
        """The architecture of a model, from its encoder if there is one, else from the config; or None."""
        root = root_model(self.config["models"], model)
        description = Path(f"results/{self.name}/{root}/encoder/encoder.json")
        if description.exists():
            return read_spec(description).architecture
        return microbenchmarks.architecture_of(self.config["models"][root])

    def _measure_network(self, model: str) -> microbenchmarks.Network | None:
        architecture, own = self._find_architecture(model), self.config["models"][model]
        if architecture is None:
            return None
        return _measure_embedding(
            json.dumps(architecture),
            json.dumps(self._get_geometry(self._get_preprocess(model))),
            self.threads,
            precision=own["precision"],
            batch_size=own["batch_size"],
        )


@cache
def _measure_embedding(
    architecture: str, geometry: str, threads: int, *, precision: str | None, batch_size: int
) -> microbenchmarks.Network:
    return microbenchmarks.measure_embedding(
        json.loads(architecture),
        json.loads(geometry),
        precision=precision,
        batch_size=batch_size,
        threads=threads,
    )


_measure_search = cache(microbenchmarks.measure_searching)


def _format_subject(job: Job) -> str:
    """What a job works on in its dataset: a model, a preprocessing, two models; the same for all shards."""
    return " ".join(value for key, value in job.wildcards.items() if key not in ("dataset", "shard", "chunk"))


def main() -> None:
    """Print the estimate of the config on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--configfile", required=True)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    logging.disable()
    jobs = parse_dry_run(run_dry(options.configfile))
    config = resolve_config(
        yaml.safe_load(Path(options.configfile).read_text(encoding="utf-8")),
        yaml.safe_load(SCHEMA.read_text(encoding="utf-8")),
    )
    lines: list[cost_model.StageEstimate] = []
    for name in config["datasets"]:
        with tempfile.TemporaryDirectory() as scratch:
            dataset = Dataset(name, config, jobs, cores=options.cores, scratch=scratch)
            n = f"{dataset.n_images:,}" if dataset.is_counted else "not known before it is downloaded"
            print(f"{name}: images {n}")
            lines += dataset.lines()
    if not lines:
        print("Nothing is left to do.")
        return
    known = [line for line in lines if line.seconds is not None or line.n_bytes]
    print(cost_model.table(known))
    unknown: Counter[str] = Counter()
    for line in lines:
        if line not in known:
            unknown[line.stage] += line.n_jobs
    if unknown:
        print("Not estimated:", ", ".join(f"{stage} ({n})" for stage, n in unknown.items()))
    free_disk, free_memory = shutil.disk_usage(".").free, available_memory()
    print(f"Free: {cost_model.size(free_disk)} of disk, {cost_model.size(free_memory)} of memory")
    if os.getloadavg()[0] > options.cores / 2:
        print("This machine is busy with something else: alone, a run would take less time.")
    for sentence in cost_model.warnings(known, free_disk=free_disk, free_memory=free_memory):
        print(sentence)


if __name__ == "__main__":
    main()
