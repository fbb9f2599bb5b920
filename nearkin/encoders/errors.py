"""The errors for a model's config that names something unknown or unavailable."""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

CHECKPOINT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
HUB_PREFIX = "hf-hub:"


def check_model_name(name: str, names: Sequence[str], *, library: str) -> None:
    """Raise ValueError, listing near names, if a library has no model of this name."""
    if name not in names:
        near = difflib.get_close_matches(name, names, n=5, cutoff=0.5)
        hint = f"near names: {', '.join(near)}" if near else f"there is {', '.join(sorted(names)[:8])} ..."
        raise ValueError(f"{library} has no model {name!r}; {hint}")


def checkpoint_path(weights: str, tags: Sequence[str], *, model: str) -> str:
    """`weights` if it is the path of a checkpoint; else ValueError listing what is allowed."""
    if "/" in weights and weights.endswith(CHECKPOINT_SUFFIXES):
        return weights
    if weights.endswith(CHECKPOINT_SUFFIXES):
        raise ValueError(f"{model}: for a checkpoint in the working directory write weights: ./{weights}")
    near = difflib.get_close_matches(weights, tags, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    allowed = ", ".join([*tags, "random", f"or the path of a checkpoint ({', '.join(CHECKPOINT_SUFFIXES)})"])
    raise ValueError(f"{model} has no weights {weights!r}; {hint}allowed: {allowed}")


def require_pretrained(name: str, weights: str) -> None:
    """Raise ValueError for a model of the hub with weights other than its own."""
    if weights != "pretrained":
        raise ValueError(f"{name!r} brings its own weights: write weights: pretrained, not {weights!r}")


@contextmanager
def download_errors(what: str) -> Iterator[None]:
    """A context in which any error of a download becomes one ValueError that says what to do."""
    try:
        yield
    except Exception as error:  # hub, network and disk errors share no class
        raise ValueError(
            f"{what}: cannot be fetched ({type(error).__name__}: {str(error)[:300]}); run prepare_encoder "
            "once where there is a network (the hub's cache, HF_HOME, then keeps it), or give the path of a "
            "local checkpoint as `weights`"
        ) from error
