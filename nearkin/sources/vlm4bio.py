"""Images laid out like VLM4Bio: chunks of files, metadata tables, a captions table.

    datasets/<category>/chunk_<n>/<file>
    datasets/<category>/metadata/*.csv      fileNameAsDelivered, scientificName
    <captions table>                        image_path or image_name; caption, category, scientific_name

Source: VLM4Bio (Maruf et al. 2024), imageomics/VLM4Bio on Hugging Face
"""

import logging
from pathlib import Path

from nearkin.sources.delimited import read_rows
from nearkin.sources.files import Matcher, is_image_name, leaves, walk
from nearkin.sources.listing import Row, table
from nearkin.sources.told import Captions

logger = logging.getLogger(__name__)

FILE, NAME = "fileNameAsDelivered", "scientificName"


def list_images(folder, source_id, *, captions_table):
    """The Images table of a folder in this layout; `captions_table` is a file in it that may be absent.

    A row for each metadata row, for each image that only the captions table lists, and for
    each image file that no table lists. Raises ValueError naming the folder or file at fault.
    """
    found = walk(folder)
    categories = sorted({path.split("/")[1] for path in found.files if path.startswith("datasets/")})
    if not categories:
        raise ValueError(f"{str(folder)!r}: no files in datasets/<category>/; is this the layout vlm4bio?")
    told = Captions.read(folder, captions_table)
    rows = [row for category in categories for row in _category(folder, category, found, told)]
    return table([told.added_to(row) for row in rows], source_id, folder=folder)


def _category(folder, category, found, told):
    place = f"datasets/{category}/"
    of_tables = f"{place}metadata/"
    tables = [path for path in found.files if path.startswith(of_tables) and path.lower().endswith(".csv")]
    if not tables:
        logger.warning("%s: no table; only the captions table can name these images", of_tables)
    links = {path for path in found.outside if path.startswith(place)}
    paths = [path for path in found.files if path.startswith(place) and not path.startswith(of_tables)]
    matcher = Matcher([*paths, *sorted(links)])

    def row(wanted, listed, label, claimed=frozenset()):
        path, match = matcher.find(wanted, claimed)
        return Row(path, listed, "outside" if path in links else match, category, label, place)

    named = [one for path in tables for one in read_rows(Path(folder, path), [FILE, NAME], free=NAME)]
    exact = (matcher.find(one[FILE]) for one in named)
    claimed = frozenset(path for path, match in exact if match == "exact")
    rows = [row(one[FILE], one[FILE], one[NAME], claimed) for one in named]
    known = {one.path for one in rows if one.path} | {one.listed for one in rows if one.path is None}
    for wanted, listed in told.listed(category):
        more = row(wanted, wanted if leaves(wanted) else listed, None)
        if (more.path or listed) not in known:
            rows.append(more)
            known.add(more.path or listed)
    rows += [Row(path, None, "outside", category, None, place) for path in sorted(links - known)]
    files = [path for path in paths if path not in known and is_image_name(path)]
    return rows + [Row(path, None, "unlisted", category, None, place) for path in files]
