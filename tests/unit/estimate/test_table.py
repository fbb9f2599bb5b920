"""The table of an estimate and the remarks below it."""

from nearkin.estimate.table import NEVER_TIMED, NO_BENCHMARK, NO_SIZE, Line, format_table, list_remarks

LINES = [
    Line(
        "cache_pixels",
        "birds square",
        2,
        1000,
        "images",
        30.0,
        150e6,
        1e9,
        scale=0.5,
        source="birds: 500 images, 33 images/s",
    ),
    Line("search_neighbours", "birds clip", 1, 1e6, "pairs", 40.0, 1e6, 3e9, scale=20.0),
    Line("prepare_encoder", "birds clip", 1, 1, "models", n_bytes=600e6, source=NEVER_TIMED),
    Line("clean_labels", "birds", 1, 1000, seconds=5.0),
    Line("score_queries", "birds clip", 1, 1000, seconds=2.0, memory=2e9),
    Line("score_queries", "birds tuned", 2, 1000, source=NEVER_TIMED),
    Line("plot_recall", "birds", 4, 1000, source=NO_BENCHMARK),
    Line("embed_images", "fish clip", 3, source=NO_SIZE),
]
FREE_SPACE = {"free_disk": 1e9, "free_memory": 4e9}


def test_table_has_totals_and_counts_jobs_without_a_time():
    header, *rows = [" ".join(row.split()) for row in format_table(LINES).splitlines()]
    assert rows == [
        "cache_pixels birds square 2 1,000 images 30 s 150.0 MB 1.0 GB birds: 500 images, 33 images/s",
        "search_neighbours birds clip 1 1,000,000 pairs 40 s 1.0 MB ≥ 3.0 GB",
        "prepare_encoder birds clip 1 1 model ? 600.0 MB no earlier run has timed it",
        "embed_images fish clip 3 ? unknown until the images are there",
        "other steps birds 2 7 s 2.0 GB each in proportion to the images",
        "other steps birds 2 ? no earlier run has timed it",
        "other steps birds 4 ? no run times it",
        "together 15 1 min 17 s 751.0 MB ≥ 3.0 GB without the time of 10 jobs",
    ]
    assert header.startswith("stage of jobs work time disk memory")


def test_total_time_is_unknown_if_no_job_has_a_time():
    *_, last = format_table(LINES[2:3]).splitlines()
    assert " ".join(last.split()) == "together 1 ? 600.0 MB without the time of 1 jobs"


def test_remarks_name_unknown_and_extrapolated_stages():
    assert list_remarks(LINES, **FREE_SPACE) == [
        "No earlier run has timed prepare_encoder (1), score_queries (2): unknown; run the shipped study "
        "first, or a small one of these models.",
        "Unknown until the images are there: embed_images (3).",
        "Left out, because their rules write no benchmark file: 4 jobs.",
        "More than 10 times larger than any job that was timed, whose start counts as work, so that the "
        "estimate is too high: search_neighbours (1).",
    ]
    assert list_remarks(LINES[:1], **FREE_SPACE) == []


def test_remarks_name_shortages_of_disk_and_memory():
    disk, memory = list_remarks(
        [line._replace(source="", scale=0) for line in LINES], free_disk=7e8, free_memory=2.5e9
    )
    assert "751.0 MB" in disk and "700.0 MB" in disk
    assert "search_neighbours of birds clip" in memory
