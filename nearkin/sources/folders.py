"""Images in plain folders, named after what they show.

    <category>/<species>/<file>     or, without categories,     <species>/<file>

An optional captions table in the folder has the columns image_path (or category and
image_name) and caption.
"""

from nearkin.sources.files import is_image_name, walk
from nearkin.sources.listing import Row, table
from nearkin.sources.told import Captions


def list_images(folder, source_id, *, captions_table):
    """The Images table of a folder in this layout; the label is the species folder's name as it is.

    If any image lies two folders deep, the first folder is the category for all; otherwise
    the category is `all`. An image that lies too high for a species has no label.
    Raises ValueError naming the
    folder at fault.
    """
    found = walk(folder)
    files = [path for path in found.files if is_image_name(path)]
    with_category = any(path.count("/") >= 2 for path in files)
    told = Captions.read(folder, captions_table)
    rows = [_row(path, with_category, "exact") for path in files]
    rows += [_row(path, with_category, "outside") for path in found.outside if is_image_name(path)]
    return table([told.added_to(row) for row in rows], source_id, folder=folder)


def _row(path, with_category, match):
    *folders, _ = path.split("/")
    category = folders.pop(0) if with_category and folders else "all"
    return Row(path, None, match, category, folders[0] if folders else None, "")
