"""Files of tensors that are either whole or not there."""

import re

from safetensors import SafetensorError
from safetensors.torch import save_file

from nearkin.storage.atomic import atomic_path


def write_tensors(tensors, path, *, metadata=None):
    """Write tensors by name, wherever they are, and `metadata` (texts), as safetensors.

    Raises OSError naming `path` if the disk is full; what was there is kept.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, metadata=metadata)
        except SafetensorError as error:
            raise _as_os_error(error) from error


def _as_os_error(error):
    """The OSError that safetensors reports as text, if it is one."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), str(error)) if number else error
