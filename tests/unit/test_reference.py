"""The printed form of the reference study, against the lines that it printed."""

import polars as pl
import pytest

from nearkin import reference

# Query counts (n, hits of the base, hits of the trained) behind the 45 lines that the reference
# study printed, found from its rounded recalls. Other species of a genus, here called `other`,
# are made up so that the means over genera come out too.
COUNTS = {
    "Bird": {
        "larus occidentalis": (17, 4, 12),
        "larus other": (10, 5, 4),
        "phoebastria nigripes": (23, 11, 19),
        "phoebastria other": (10, 5, 5),
        "helmitheros vermivorum": (19, 6, 12),
        "aethia cristatella": (13, 9, 13),
        "aethia psittacula": (6, 5, 3),
        "sterna paradisaea": (21, 8, 14),
        "sterna other": (41, 9, 18),
        "sterna third": (41, 10, 19),
        "ammospiza leconteii": (23, 16, 4),
        "anthus rubescens": (16, 9, 2),
        "campylorhynchus brunneicapillus": (18, 12, 5),
        "parkesia noveboracensis": (12, 5, 1),
        "pipilo one": (18, 5, 10),
        "pipilo other": (15, 7, 11),
        "passerella iliaca": (18, 9, 13),
        "fulmarus glacialis": (23, 11, 16),
    },
    "Butterfly": {
        "pyrrhogyra cramen": (3, 1, 3),
        "pyrrhogyra other": (60, 38, 33),
        "eueides isabella": (2, 0, 1),
        "eueides other": (10, 5, 5),
        "ithomia salapia": (7, 4, 7),
        "ithomia other": (10, 5, 5),
        "catoblepia soranus": (5, 3, 5),
        "zaretis isidora": (5, 2, 4),
        "heliconius aoede": (6, 5, 4),
        "heliconius demeter": (7, 1, 0),
        "heliconius hecale": (15, 12, 10),
        "lasaia agesilas": (7, 7, 6),
        "taygetis thamyra": (25, 16, 13),
        "prepona one": (10000, 5000, 8998),
        "bia actorion": (11, 6, 10),
    },
    "Fish": {
        "brachyrhaphis parismina": (3, 0, 2),
        "esox masquinongy": (3, 0, 2),
        "esox other": (10, 5, 5),
        "esox third": (10, 5, 5),
        "carassius auratus": (11, 2, 9),
        "notropis leuciodus": (15, 3, 11),
        "notropis heterodon": (25, 9, 22),
        "notropis lutipinnis": (5, 3, 1),
        "lepomis marginatus": (9, 5, 0),
        "lepomis microlophus": (8, 3, 0),
        "benthobatis yangi": (2, 1, 0),
        "gambusia": (2, 1, 0),
        "priapella one": (5, 2, 4),
        "phoxinus one": (15, 2, 6),
        "phoxinus other": (10, 0, 3),
        "phoxinus third": (5, 0, 2),
        "opsopoeodus emiliae": (4, 0, 1),
    },
}

# By category and title of the list, the lines as the reference study printed them.
PRINTED = {
    ("Bird", "Top 5 Most Improved Species:"): [
        "larus occidentalis: 0.471 (Base: 0.235 → Trained: 0.706)",
        "phoebastria nigripes: 0.348 (Base: 0.478 → Trained: 0.826)",
        "helmitheros vermivorum: 0.316 (Base: 0.316 → Trained: 0.632)",
        "aethia cristatella: 0.308 (Base: 0.692 → Trained: 1.000)",
        "sterna paradisaea: 0.286 (Base: 0.381 → Trained: 0.667)",
    ],
    ("Bird", "Top 5 Least Improved Species:"): [
        "ammospiza leconteii: -0.522 (Base: 0.696 → Trained: 0.174)",
        "anthus rubescens: -0.438 (Base: 0.562 → Trained: 0.125)",
        "campylorhynchus brunneicapillus: -0.389 (Base: 0.667 → Trained: 0.278)",
        "parkesia noveboracensis: -0.333 (Base: 0.417 → Trained: 0.083)",
        "aethia psittacula: -0.333 (Base: 0.833 → Trained: 0.500)",
    ],
    ("Bird", "Top 5 Most Improved Genera:"): [
        "helmitheros: 0.316 (Base: 0.316 → Trained: 0.632)",
        "pipilo: 0.272 (Base: 0.372 → Trained: 0.644)",
        "sterna: 0.242 (Base: 0.281 → Trained: 0.523)",
        "passerella: 0.222 (Base: 0.500 → Trained: 0.722)",
        "fulmarus: 0.217 (Base: 0.478 → Trained: 0.696)",
    ],
    ("Butterfly", "Top 5 Most Improved Species:"): [
        "pyrrhogyra cramen: 0.667 (Base: 0.333 → Trained: 1.000)",
        "eueides isabella: 0.500 (Base: 0.000 → Trained: 0.500)",
        "ithomia salapia: 0.429 (Base: 0.571 → Trained: 1.000)",
        "catoblepia soranus: 0.400 (Base: 0.600 → Trained: 1.000)",
        "zaretis isidora: 0.400 (Base: 0.400 → Trained: 0.800)",
    ],
    ("Butterfly", "Top 5 Least Improved Species:"): [
        "heliconius aoede: -0.167 (Base: 0.833 → Trained: 0.667)",
        "lasaia agesilas: -0.143 (Base: 1.000 → Trained: 0.857)",
        "heliconius demeter: -0.143 (Base: 0.143 → Trained: 0.000)",
        "heliconius hecale: -0.133 (Base: 0.800 → Trained: 0.667)",
        "taygetis thamyra: -0.120 (Base: 0.640 → Trained: 0.520)",
    ],
    ("Butterfly", "Top 5 Most Improved Genera:"): [
        "catoblepia: 0.400 (Base: 0.600 → Trained: 1.000)",
        "prepona: 0.400 (Base: 0.500 → Trained: 0.900)",
        "zaretis: 0.400 (Base: 0.400 → Trained: 0.800)",
        "bia: 0.364 (Base: 0.545 → Trained: 0.909)",
        "pyrrhogyra: 0.292 (Base: 0.483 → Trained: 0.775)",
    ],
    ("Fish", "Top 5 Most Improved Species:"): [
        "brachyrhaphis parismina: 0.667 (Base: 0.000 → Trained: 0.667)",
        "esox masquinongy: 0.667 (Base: 0.000 → Trained: 0.667)",
        "carassius auratus: 0.636 (Base: 0.182 → Trained: 0.818)",
        "notropis leuciodus: 0.533 (Base: 0.200 → Trained: 0.733)",
        "notropis heterodon: 0.520 (Base: 0.360 → Trained: 0.880)",
    ],
    ("Fish", "Top 5 Least Improved Species:"): [
        "lepomis marginatus: -0.556 (Base: 0.556 → Trained: 0.000)",
        "benthobatis yangi: -0.500 (Base: 0.500 → Trained: 0.000)",
        "gambusia: -0.500 (Base: 0.500 → Trained: 0.000)",
        "notropis lutipinnis: -0.400 (Base: 0.600 → Trained: 0.200)",
        "lepomis microlophus: -0.375 (Base: 0.375 → Trained: 0.000)",
    ],
    ("Fish", "Top 5 Most Improved Genera:"): [
        "brachyrhaphis: 0.667 (Base: 0.000 → Trained: 0.667)",
        "carassius: 0.636 (Base: 0.182 → Trained: 0.818)",
        "priapella: 0.400 (Base: 0.400 → Trained: 0.800)",
        "phoxinus: 0.322 (Base: 0.044 → Trained: 0.367)",
        "opsopoeodus: 0.250 (Base: 0.000 → Trained: 0.250)",
    ],
}

# Equal differences whose order in the reference was that of a Python set.
ARBITRARY = ["parkesia", "aethia psittacula", "prepona", "zaretis:"]


def recalls(counts, which):
    """The recalls of one model that `comparison` reads, as `Recall` rows; `which` is 1 or 2."""
    rows = []
    for category, species in counts.items():
        shares = {name: found[which] / found[0] for name, found in species.items()}
        rows += [_row("species", "recall", "label", category, name, share) for name, share in shares.items()]
        for genus in {name.split(" ")[0] for name in shares}:
            own = [share for name, share in shares.items() if name.split(" ")[0] == genus]
            mean = sum(own) / len(own)
            rows.append(_row("genus", "genus_mean_of_species", "label", category, genus, mean))
            rows.append(_row("genus", "recall", "label", category, genus, 0.123))  # true genus recall
    rows += [_row(level, "recall", "micro", "all", "all", 0.65081) for level in ("category", "species")]
    return pl.DataFrame(rows)


def _row(level, metric, average, category, label, value):
    return {
        "protocol": "leave_one_out",
        "level": level,
        "metric": metric,
        "average": average,
        "population": "all",
        "category": category,
        "label": label,
        "k": 1,
        "value": value,
    }


def printed(counts):
    base, trained = recalls(counts, 1), recalls(counts, 2)
    return reference.comparison(base, trained, protocol="leave_one_out", k=1).splitlines()


def lists(lines):
    """The printed lists by category and title."""
    found, category, title = {}, None, None
    for before, line in zip(["", *lines], lines, strict=False):
        if before == "=====":
            category = line.rstrip(":")
        if line.startswith("Top 5"):
            title = line
            found[category, title] = []
        elif " (Base: " in line:
            found[category, title].append(line)
    return found


def test_the_reference_study_s_45_lines_come_out_of_query_counts():
    ours = lists(printed(COUNTS))
    assert sum(len(block) for block in PRINTED.values()) == 45
    assert {key: sorted(block) for key, block in ours.items()} == {
        key: sorted(block) for key, block in PRINTED.items()
    }


def test_their_order_is_the_reference_s_but_for_ties_that_it_left_to_a_set():
    def settled(block):
        return [line for line in block if not line.startswith(tuple(ARBITRARY))]

    ours = lists(printed(COUNTS))
    assert {key: settled(block) for key, block in ours.items()} == {
        key: settled(block) for key, block in PRINTED.items()
    }


def test_differences_are_computed_before_they_are_rounded():
    # 9/16 = 0.5625 and 2/16 = 0.125 print as 0.562 and 0.125, which would differ by 0.437.
    assert reference.line("Anthus rubescens", 9 / 16, 2 / 16).startswith("anthus rubescens: -0.438 ")


def test_the_whole_form():
    counts = {"Moss": {"Aus bus": (2, 1, 2), "Aus cus": (4, 1, 1)}, "Fish": {"Dus eus": (4, 0, 1)}}
    assert "\n".join(printed(counts)) == (
        "Trained\nOverall Category Recall: 0.6508\nOverall Species Recall: 0.6508\n\n"
        "Base\nOverall Category Recall: 0.6508\nOverall Species Recall: 0.6508\n\n"
        "=====\nFish:\n-----\nSpecies-level Analysis:\nNumber of species: 1\nRecall Statistics:\n"
        "Base Model - Mean: 0.000, Median: 0.000\nTrained Model - Mean: 0.250, Median: 0.250\n"
        "Average Improvement: 0.250\nTop 5 Most Improved Species:\n"
        "dus eus: 0.250 (Base: 0.000 → Trained: 0.250)\nTop 5 Least Improved Species:\n"
        "dus eus: 0.250 (Base: 0.000 → Trained: 0.250)\nGenus-level Analysis:\nNumber of genera: 1\n"
        "Recall Statistics:\nBase Model - Mean: 0.000, Median: 0.000\n"
        "Trained Model - Mean: 0.250, Median: 0.250\nAverage Improvement: 0.250\n"
        "Top 5 Most Improved Genera:\ndus: 0.250 (Base: 0.000 → Trained: 0.250)\n\n"
        "=====\nMoss:\n-----\nSpecies-level Analysis:\nNumber of species: 2\nRecall Statistics:\n"
        "Base Model - Mean: 0.375, Median: 0.375\nTrained Model - Mean: 0.625, Median: 0.625\n"
        "Average Improvement: 0.250\nTop 5 Most Improved Species:\n"
        "aus bus: 0.500 (Base: 0.500 → Trained: 1.000)\naus cus: 0.000 (Base: 0.250 → Trained: 0.250)\n"
        "Top 5 Least Improved Species:\naus cus: 0.000 (Base: 0.250 → Trained: 0.250)\n"
        "aus bus: 0.500 (Base: 0.500 → Trained: 1.000)\nGenus-level Analysis:\nNumber of genera: 1\n"
        "Recall Statistics:\nBase Model - Mean: 0.375, Median: 0.375\n"
        "Trained Model - Mean: 0.625, Median: 0.625\nAverage Improvement: 0.250\n"
        "Top 5 Most Improved Genera:\naus: 0.250 (Base: 0.375 → Trained: 0.625)"
    )


def test_equal_differences_go_by_name():
    counts = {"Fish": {"Dus zus": (2, 0, 1), "Dus aus": (4, 1, 3), "Dus mus": (2, 1, 2)}}
    block = lists(printed(counts))["Fish", "Top 5 Least Improved Species:"]
    assert [line.split(":")[0] for line in block] == ["dus aus", "dus mus", "dus zus"]


def test_models_that_answered_for_other_labels_are_refused():
    base = recalls({"Fish": {"Dus eus": (4, 0, 1)}}, 1)
    trained = recalls({"Fish": {"Dus fus": (4, 0, 1)}}, 2)
    with pytest.raises(ValueError, match="only one of the models answered for .*Dus"):
        reference.comparison(base, trained, protocol="leave_one_out", k=1)


def test_a_protocol_without_recall_is_named():
    table = recalls(COUNTS, 1)
    with pytest.raises(ValueError, match="protocol 'search'"):
        reference.comparison(table, table, protocol="search", k=1)
