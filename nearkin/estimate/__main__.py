"""What a run would do and cost, printed before it: `make estimate CONFIG=config/config.yaml`.

Nothing of the run is done. A dry run of Snakemake says which jobs there are; the dear stages
are tried for seconds on this machine, on a few of the images and with meaningless weights.
"""

import argparse
import json
import logging
import os
import shutil
import tempfile
from collections import Counter
from functools import cache, cached_property
from pathlib import Path

import yaml

from nearkin.driver.config import resolve_config, root_model
from nearkin.driver.dry_run import run_dry
from nearkin.driver.planned_jobs import parse_dry_run, previous_seconds
from nearkin.encoders.encoder import read_spec
from nearkin.estimate import counts, microbenchmarks
from nearkin.estimate import model as cost_model
from nearkin.finetune.recipe import read_recipe, recipe_settings
from nearkin.runtime.memory import available_memory

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
N_SAMPLE = 24
WORKERS = 8
"""Threads that generate_synthetic, cache_pixels and search_neighbours ask for; never more than cores."""
GEOMETRY = ("size", "crop_pct", "interpolation")


class Dataset:
    """A dataset of the study before a run: what is planned for it, how many images it has, and rates."""

    def __init__(self, name, config, jobs, *, cores, scratch):
        self.name, self.config, self.cores = name, config, cores
        self.said, self.threads = config["datasets"][name], config["arithmetic_threads"]
        self.n_jobs = Counter((job.rule, _of(job)) for job in jobs if job.wildcards.get("dataset") == name)
        source, listed = self.said["source"], Path(f"results/{name}/images.parquet")
        self.museum = source["museum"] if source["layout"] == "museum" else None
        self.folder = f"results/{name}/delivery" if self.museum else source["folder"]
        self.trusted = source["follow_links"]
        if listed.exists() and ("list_images", "") not in self.n_jobs:
            self.n_images = counts.n_listed(listed)
        else:
            self.n_images = counts.n_images(source, self.folder)
        self.sides = cost_model.sides(self.n_images or 0, self.said["split"])
        if ("generate_synthetic", "") in self.n_jobs:
            self.drawn = microbenchmarks.drawing(self.museum, scratch, n=N_SAMPLE // 4)
            self.folder = scratch
        self.sample = counts.sample(self.folder, N_SAMPLE, self.trusted) if os.path.isdir(self.folder) else []

    def lines(self):
        """A line for each stage and model; without seconds where nothing is known."""
        stages = {
            "generate_synthetic": self.generate_synthetic,
            "inspect_images": self.inspect_images,
            "cache_pixels": self.cache_pixels,
            "prepare_encoder": self.prepare_encoder,
            "finetune_encoder": self.finetune_encoder,
            "embed_images": self.embed_images,
            "search_neighbours": self.search_neighbours,
        }
        for (rule, of), n_jobs in self.n_jobs.items():
            found = stages[rule](of, n_jobs) if rule in stages and self.n_images and self.sample else {}
            if found.get("seconds") is None:
                before = previous_seconds("logs/resource_usage", rule, self.name, *of.split())
                found |= {"seconds": before, "rate": "" if before is None else "as in the last run"}
            yield cost_model.Line(rule, f"{self.name} {of}".strip(), n_jobs, **found)

    def generate_synthetic(self, of, n_jobs):
        seconds, n_bytes = self.drawn
        work = self.n_images * seconds / min(WORKERS, self.cores)
        rate = cost_model.per_second(seconds, "by one thread")
        return {"n_images": self.n_images, "seconds": work, "n_bytes": self.n_images * n_bytes, "rate": rate}

    def inspect_images(self, of, n_jobs):
        n_images, (_, seconds) = self._of_shards(n_jobs), self.inspection
        work = cost_model.elapsed(n_images * seconds, n_jobs, threads=1, cores=self.cores)
        return {
            "n_images": n_images,
            "seconds": work,
            "rate": cost_model.per_second(seconds, "by one thread"),
        }

    def cache_pixels(self, preprocess, n_jobs):
        n_images, seconds = self._of_shards(n_jobs), self._decoding(preprocess)
        n_bytes = n_images * 3 * self.config["preprocessing"][preprocess]["size"] ** 2
        if seconds is None:
            return {"n_images": n_images, "n_bytes": n_bytes}
        work = n_images * seconds / min(self.cores, WORKERS * n_jobs)
        rate = cost_model.per_second(seconds, "by one thread")
        return {"n_images": n_images, "seconds": work, "n_bytes": n_bytes, "rate": rate}

    def prepare_encoder(self, model, n_jobs):
        network = self._network(model)
        return {"n_bytes": 4 * network.n_parameters} if network else {}

    def finetune_encoder(self, model, n_jobs):
        network = self._network(model)
        if network is None:
            return {}
        recipe = read_recipe(recipe_settings(self.config["models"][model]["finetune"]))
        frozen, learning = microbenchmarks.learning(
            self._architecture(model), self._geometry(model), width=network.width, trainable=recipe.trainable,
            threads=self.threads,
        )  # fmt: skip
        seconds = cost_model.trained(self.sides, recipe, frozen=frozen, learning=learning)
        rate = cost_model.per_second(learning, f"by {self.threads} threads, {recipe.epochs} times")
        if frozen:
            rate += f", after {cost_model.per_second(frozen, 'once')}"
        n_train = self.sides["train"]
        return {"n_images": n_train, "seconds": seconds, "n_bytes": 4 * network.n_parameters, "rate": rate}

    def embed_images(self, model, n_jobs):
        network, n_images = self._network(model), self._of_shards(n_jobs)
        if network is None:
            return {"n_images": n_images}
        preprocess = self._preprocess(model)
        seconds = network.seconds
        if not self.config["preprocessing"][preprocess]["cache"]:  # decoded meanwhile, by as many threads
            seconds = max(seconds, (self._decoding(preprocess) or 0) / self.threads)
        work = cost_model.elapsed(n_images * seconds, n_jobs, threads=self.threads, cores=self.cores)
        rate = cost_model.per_second(seconds, f"by {self.threads} threads")
        return {"n_images": n_images, "seconds": work, "n_bytes": 4 * network.width * n_images, "rate": rate}

    def search_neighbours(self, model, n_jobs):
        network = self._network(model)
        if network is None:
            return {}
        search = self.config["search"]
        n_queries, n_pairs, n_rows = cost_model.searched(
            self.sides, search["protocols"], search["n_neighbours"]
        )
        threads, share = min(WORKERS, self.cores), n_jobs / search["query_chunks"]
        query, pair = _searching(network.width, depth=search["n_neighbours"], threads=threads)
        work = n_queries * query + n_pairs * pair
        return {
            "n_images": self.n_images,
            "seconds": share * cost_model.elapsed(work, n_jobs, threads=threads, cores=self.cores),
            "n_bytes": 2 * n_rows * cost_model.NEIGHBOUR_BYTES,  # in chunks, and joined
            "memory": cost_model.search_memory(self.n_images, network.width),
            "rate": f"{n_queries / work:,.0f} queries/s by {threads} threads",
        }

    @cached_property
    def inspection(self):
        """The inspection of the sample, and the seconds that an image of it takes."""
        limit = self.said["inspection"]["max_megapixels"]
        return microbenchmarks.inspecting(
            self.sample, self.folder, max_megapixels=limit, trusted=self.trusted
        )

    def _of_shards(self, n_jobs):
        """How many images so many shards hold."""
        return self.n_images * n_jobs / self.config["shards"]

    def _decoding(self, preprocess):
        own, limit = self.config["preprocessing"][preprocess], self.said["inspection"]["max_megapixels"]
        seen = {"folder": self.folder, "geometry": {key: own[key] for key in GEOMETRY}}
        seen |= {"decode": own["decode"], "max_megapixels": limit, "trusted": self.trusted}
        return microbenchmarks.decoding(self.inspection[0], seen)

    def _preprocess(self, model):
        return self.config["models"][root_model(self.config["models"], model)]["preprocess"]

    def _geometry(self, model):
        own = self.config["preprocessing"][self._preprocess(model)]
        return {key: own[key] for key in GEOMETRY}

    def _architecture(self, model):
        """The architecture of a model, as its encoder says if it is there, or its config; None if neither."""
        base = root_model(self.config["models"], model)
        description = Path(f"results/{self.name}/{base}/encoder/encoder.json")
        if description.exists():
            return read_spec(description).architecture
        return microbenchmarks.architecture_of(self.config["models"][base])

    def _network(self, model):
        architecture = self._architecture(model)
        if architecture is None:
            return None
        used = {key: self.config["models"][model][key] for key in ("precision", "batch_size")}
        return _tried(json.dumps(architecture), json.dumps(self._geometry(model)), self.threads, **used)


@cache
def _tried(architecture, geometry, threads, *, precision, batch_size):
    return microbenchmarks.embedding(
        json.loads(architecture),
        json.loads(geometry),
        precision=precision,
        batch_size=batch_size,
        threads=threads,
    )


_searching = cache(microbenchmarks.searching)


def _of(job):
    """What a job is about beside its dataset: a model, a preprocessing, two models; shards count together."""
    return " ".join(value for key, value in job.wildcards.items() if key not in ("dataset", "shard", "chunk"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--configfile", required=True)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    logging.disable()
    jobs = parse_dry_run(run_dry(options.configfile))
    config = resolve_config(
        yaml.safe_load(Path(options.configfile).read_text(encoding="utf-8")),
        yaml.safe_load(SCHEMA.read_text(encoding="utf-8")),
    )
    lines = []
    for name in config["datasets"]:
        with tempfile.TemporaryDirectory() as scratch:
            dataset = Dataset(name, config, jobs, cores=options.cores, scratch=scratch)
            n = "not known before it is downloaded" if dataset.n_images is None else f"{dataset.n_images:,}"
            print(f"{name}: images {n}")
            lines += dataset.lines()
    if not lines:
        print("Nothing is left to do.")
        return
    known = [line for line in lines if line.seconds is not None or line.n_bytes]
    print(cost_model.table(known))
    unknown = Counter()
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
