"""The report: it matches the tables, runs no delivered text, and loads nothing from outside."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from nearkin.report import headline_numbers, page, species
from nearkin.report.content import collect
from nearkin.report.figures import group_figures
from tests.factories import gallery, results

CAPTIONS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in Path(__file__).parents[3].joinpath("workflow", "report").glob("*.rst")
}
EVIL = "<img src=x onerror=alert(1)>"
METHOD = {
    "search": {
        "n_neighbours": 100,
        "exclude_same_group": True,
        "protocols": ["leave_one_out", "train_gallery", "unseen_species"],
    },
    "recall": {"ks": [1, 5], "bootstrap_samples": 2000, "seed": 7},
    "comparison": {"min_queries": 5},
    "precision": "bf16",
    "preprocessing": {
        "square_224": {"size": 224, "crop_pct": 0.875, "interpolation": "bicubic", "decode": "exact"}
    },
    "split": {
        "seed": 11,
        "train": 0.5,
        "val": 0.15,
        "test": 0.35,
        "held_out_species": 0.15,
        "min_test_groups": 2,
    }
    | {
        "held_out_stratify": "category",
        "folds": None,
        "fold": 1,
        "previous": None,
        "use_source_split": False,
    },
    "groups": {"specimen": ["^fish_(\\d+)_"], "near_duplicates": {"max_hamming": 10}},
    "finetune": {"lite0_unicom": {"base": "lite0", "labels": "species", "epochs": 8, "seed_group": None}},
    "clusters": {},
}


class Page(HTMLParser):
    """The tags of a page with their attributes, and its visible text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.scripts, self.data, self._inside = [], [], [], [], None
        self.feed(html)
        self.text = re.sub(r"\s+", " ", "".join(self.text))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        self.is_data = dict(attrs).get("type") == "application/json"  # data, which no browser runs

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            (self.data if self.is_data else self.scripts).append(data)
        elif self._inside != "style":
            self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def study():
    return results.study(16, bootstrap_samples=20)


def content_of(study, **changes):
    figures = {
        ("recall",): b"<svg/>",
        ("leakage",): b"<svg/>",
        ("lite0", "training_size"): b"<svg/>",
        ("lite0_unicom", "training_size"): b"<svg/>",
        ("lite0_unicom", "training"): b"<svg/>",
        ("lite0", "lite0_unicom", "improvement_by_species"): b"<svg/>",
    }
    content = {
        "dataset": "museum",
        "models": results.MODELS,
        "method": METHOD,
        "records": headline_numbers.list_recall_records(study["recalls"], ks=[1, 5]),
        "others": headline_numbers.list_other_records(study["recalls"], ks=[1, 5]),
        "statistics": study["statistics"],
        "curation_log": results.repairs(),
        "quarantine": results.quarantine(),
        "splits": study["splits"],
        "recalls": study["recalls"],
        "differences": study["differences"],
        "claims": study["claims"],
        "comparisons": {pair: "the printed form of " + "/".join(pair) for pair in study["differences"]},
        "descriptions": {
            "lite0": {"library": "pip_weights", "name": "efficientnet_lite0", "fingerprint": "f" * 64}
        },
        "figures": figures,
        "captions": CAPTIONS,
        "mixed_versions": "",
    } | gallery.shown(study, list(changes.get("recalls", study["recalls"])))
    return collect(**(content | changes))


@pytest.fixture(scope="module")
def html(study):
    return page.render_report(content_of(study))


def test_the_same_tables_give_the_same_bytes(study, html):
    assert page.render_report(content_of(study)) == html


def test_nothing_is_fetched(html):
    parsed = Page(html)
    for tag, attrs in parsed.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster", "background"):
            assert re.match(r"data:|#|$", attrs.get(name) or ""), (tag, name, attrs[name])
    assert not re.search(r"url\((?!data:)", html)
    assert "@import" not in html
    policy = next(attrs["content"] for attrs in parsed.all("meta") if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_only_the_script_of_the_report_may_run(html):
    parsed = Page(html)
    assert len(parsed.scripts) == 1
    digest = base64.b64encode(hashlib.sha256(parsed.scripts[0].encode()).digest()).decode()
    policy = next(attrs["content"] for attrs in parsed.all("meta") if "http-equiv" in attrs)
    assert f"script-src 'sha256-{digest}' blob:;" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]
    assert not [attrs for _, attrs in parsed.tags if any(name.startswith("on") for name in attrs)]


def test_markup_in_any_name_is_escaped(study):
    def add_markup(frame, *columns):
        return frame.with_columns(
            pl.when(pl.col(name) == "all")
            .then(pl.col(name))
            .otherwise(pl.lit(EVIL) + pl.col(name))
            .alias(name)
            for name in columns
        )

    evil = content_of(
        study,
        dataset=EVIL,
        recalls={model: add_markup(frame, "category", "label") for model, frame in study["recalls"].items()},
        differences={
            pair: add_markup(frame, "category", "label") for pair, frame in study["differences"].items()
        },
        statistics=add_markup(study["statistics"], "category"),
        comparisons=dict.fromkeys(study["differences"], EVIL),
        curation_log=results.repairs().with_columns(defect=pl.lit(EVIL)),
        quarantine=results.quarantine().with_columns(reason=pl.lit(EVIL)),
        descriptions={"lite0": {"name": EVIL, "weights": EVIL, "source": EVIL, "fingerprint": EVIL}},
    )
    parsed = Page(page.render_report(evil))
    assert parsed.text.count(EVIL) > 50
    assert all(attrs["src"].startswith("data:image/svg+xml;base64,") for attrs in parsed.all("img"))
    assert not [attrs for _, attrs in parsed.tags if "onerror" in attrs]


def test_the_headline_shows_value_interval_and_n(study, html):
    text = Page(html).text
    for model in results.MODELS:
        row = study["recalls"][model].filter(
            protocol="leave_one_out",
            level="species",
            metric="recall",
            average="micro",
            query_subset="all",
            category="all",
            k=1,
        )
        value, low, high, n = row.select("value", "ci_low", "ci_high", "n_queries").row(0)
        assert f"{value:.3f}95 % interval {low:.3f} to {high:.3f}n = {n:,} queries" in text


def test_other_scores_of_species_are_shown_with_their_n(study, html):
    text = Page(html).text
    for metric, k, title in [("precision", 5, "Precision@5"), ("r_precision", None, "R-precision")]:
        has_k = pl.lit(True) if k is None else pl.col("k") == k
        row = study["recalls"]["lite0"].filter(
            has_k,
            protocol="leave_one_out",
            level="species",
            metric=metric,
            average="micro",
            query_subset="all",
            category="all",
        )
        value, low, high, n = row.select("value", "ci_low", "ci_high", "n_queries").row(0)
        assert f"{title}n = {n:,}" in text
        assert f"{value:.3f}{low:.3f} to {high:.3f}" in text


def test_a_difference_has_its_interval(study, html):
    row = study["differences"]["lite0", "lite0_unicom"].filter(
        protocol="unseen_species", level="species", metric="recall", category="all", label="all", k=1
    )
    diff_pp = row["diff_pp"].item()
    assert f"{diff_pp:+.1f} points (95 % interval".replace("-", "−") in Page(html).text


def test_every_species_of_every_protocol_has_a_row(study, html):
    rows, n_rows = species.make_species_table(study["recalls"], study["differences"])
    assert html.count('<th scope="row" class="name">') >= n_rows == len(rows)
    recalls_of_lite0 = study["recalls"]["lite0"].filter(
        pl.col("protocol").is_in(["leave_one_out", "unseen_species"]),
        level="species",
        metric="recall",
        average="per_label",
        query_subset="all",
        k=1,
    )
    assert n_rows == len(recalls_of_lite0)
    for row in rows:
        value = recalls_of_lite0.filter(label=row["species"], protocol=row["protocol"].replace(" ", "_"))[
            "value"
        ].item()
        assert row["recalls"][results.MODELS.index("lite0")] == value


def test_pictures_have_alternative_texts_and_captions_are_filled(html):
    parsed = Page(html)
    assert len(parsed.all("img")) == 6
    assert all(len(attrs["alt"]) > 20 for attrs in parsed.all("img"))
    assert "snakemake" not in parsed.text.replace("snakemake --cores all --configfile", "")
    assert "Does each model find species better" in parsed.text


def test_commands_in_the_report_are_targets_of_the_makefile(html):
    makefile = Path(__file__).parents[3].joinpath("Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"<code>make (\w+)", html)
    assert set(targets) == {"study", "explain"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_headings_skip_no_level(html):
    levels = [int(tag[1]) for tag, _ in Page(html).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_the_methods_come_from_the_config(html):
    text = Page(html).text
    assert "with seed 11, to train (0.5 of the images of a species)" in text
    assert "2,000 resamples, seed 7" in text
    assert "shorter side to 256 pixels (bicubic), centre crop of 224" in text
    assert "left out of its gallery" in text


def test_the_methods_describe_folds_and_predefined_splits(study):
    split = METHOD["split"] | {"folds": 5, "fold": 2, "held_out_stratify": "genus"}
    text = Page(page.render_report(content_of(study, method=METHOD | {"split": split}))).text
    assert "with seed 11, to 5 folds of each species, of which fold 2 is test; train and val share" in text
    assert "of the species of each category, spread over its genera, was held out" in text
    split = METHOD["split"] | {"previous": "old/splits.parquet", "use_source_split": True}
    text = Page(page.render_report(content_of(study, method=METHOD | {"split": split}))).text
    assert (
        "Images of the earlier split old/splits.parquet did not move. Images with a split in the delivery"
        in text
    )


def test_the_methods_describe_the_training_labels(study, html):
    assert "from lite0 with a margin softmax over species (Unicom, ICLR 2023)" in Page(html).text
    recipe = METHOD["finetune"]["lite0_unicom"] | {"labels": "looks"}
    cluster_settings = {
        "model": "clip",
        "use_captions": True,
        "n_clusters": None,
        "images_per_cluster": 7,
        "seed": 3,
    }
    method = METHOD | {"finetune": {"lite0_unicom": recipe}, "clusters": {"looks": cluster_settings}}
    text = Page(page.render_report(content_of(study, method=method))).text
    assert (
        "over clusters of training images (looks: spherical k-means of embeddings by clip, images and "
        "captions averaged, about one for every 7 images, seed 3) (Unicom"
    ) in text
    assert "Recipe: epochs 8." in text


def test_one_model_without_pairs_or_repairs_has_a_report(study):
    content = content_of(
        study,
        models=["lite0"],
        records=headline_numbers.list_recall_records({"lite0": study["recalls"]["lite0"]}, ks=[1]),
        others=[],
        recalls={"lite0": study["recalls"]["lite0"]},
        differences={},
        comparisons={},
        descriptions={},
        figures={("recall",): b"<svg/>"},
        curation_log=results.repairs().clear(),
        quarantine=results.quarantine().clear(),
        method=METHOD | {"finetune": {}, "groups": {"specimen": [], "near_duplicates": None}},
    )
    text = Page(page.render_report(content)).text
    assert "searched by 1 model." in text
    assert "Nothing needed repair." in text
    assert "embeddings made elsewhere" in text


def test_an_unknown_kind_of_figure_is_an_error():
    with pytest.raises(ValueError, match="'histogram'"):
        group_figures({("lite0", "histogram"): b""}, {"histogram": "A figure."}, k=1)
