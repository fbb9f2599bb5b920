"""The captions table of a delivery: what it says about a file or a listed name."""

import logging
import unicodedata
from collections import defaultdict
from pathlib import Path

from nearkin.sources.contained import within
from nearkin.sources.delimited import read_rows

logger = logging.getLogger(__name__)

CAPTION, NAME, PATH, FILE, CATEGORY = "caption", "scientific_name", "image_path", "image_name", "category"


class Captions:
    """Captions and names by path, or by category and file name.

    Where several rows mean one image, the first caption that is not blank in alphabetical
    order counts, and a name only if all that give one agree.
    """

    def __init__(self, rows):
        self._by_key, self._listed = defaultdict(list), defaultdict(set)
        for row in rows:
            path, file = _key(row.get(PATH, "")), _key(row.get(FILE, ""))
            category = row.get(CATEGORY, "").strip() or _category_of(path)
            for key in {path, (category, file)} - {"", (category, "")}:
                self._by_key[key].append(row)
            if path or file:
                self._listed[category].add((row.get(PATH, "") or row[FILE], row.get(FILE, "") or row[PATH]))

    @classmethod
    def read(cls, folder, name):
        """The captions table `name` of a folder; without such a file, no captions."""
        if not name or not Path(folder, name).is_file():
            logger.warning("%s: no captions table %r", folder, name)
            return cls([])
        rows = read_rows(within(folder, name), [CAPTION], free=CAPTION)
        if rows and PATH not in rows[0] and FILE not in rows[0]:
            raise ValueError(f"{name}: no column {PATH} or {FILE}; it has {', '.join(rows[0])}")
        return cls(rows)

    def listed(self, category):
        """What the table lists in a category: pairs of a name to look for and the file name, sorted."""
        return sorted(self._listed[category])

    def added_to(self, row):
        """A listed row with its caption and the name in the captions table, where there are any."""
        name = row.path or row.listed
        keys = [_key(name), _key(row.place + name), (row.category, _key(name.rsplit("/", 1)[-1]))]
        if row.listed:
            keys.append((row.category, _key(row.listed)))
        found = next((self._by_key[key] for key in keys if key in self._by_key), [])
        if not found:
            return row
        captions = sorted(one[CAPTION] for one in found)
        names = {one[NAME] for one in found if one.get(NAME, "").strip()}
        if len(found) > 1 and (len(set(captions)) > 1 or len(names) > 1):
            logger.warning("%s: %d rows in the captions table that differ", name, len(found))
        caption = next((caption for caption in captions if caption.strip()), captions[0])
        return row._replace(caption=caption, caption_name=names.pop() if len(names) == 1 else None)


def _key(name):
    return unicodedata.normalize("NFC", name.strip()).removeprefix("./")


def _category_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "datasets" and len(parts) > 2 else "all"
