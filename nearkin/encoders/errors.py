"""What is said when a model's config names something that cannot be had."""

import difflib
from contextlib import contextmanager

CHECKPOINT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
HUB_PREFIX = "hf-hub:"


def check_model_name(name, names, *, library):
    """Raise ValueError, listing near names, if a library has no model of this name."""
    if name not in names:
        near = difflib.get_close_matches(name, names, n=5, cutoff=0.5)
        hint = f"near names: {', '.join(near)}" if near else f"there is {', '.join(sorted(names)[:8])} ..."
        raise ValueError(f"{library} has no model {name!r}; {hint}")


def checkpoint_path(weights, tags, *, model):
    """The path that `weights` is; ValueError listing what may be written if it is none."""
    if "/" in weights and weights.endswith(CHECKPOINT_SUFFIXES):
        return weights
    if weights.endswith(CHECKPOINT_SUFFIXES):
        raise ValueError(f"{model}: for a checkpoint in the working directory write weights: ./{weights}")
    near = difflib.get_close_matches(weights, tags, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    allowed = ", ".join([*tags, "random", f"or the path of a checkpoint ({', '.join(CHECKPOINT_SUFFIXES)})"])
    raise ValueError(f"{model} has no weights {weights!r}; {hint}allowed: {allowed}")


def require_pretrained(name, weights):
    """Raise ValueError for a model of the hub with weights other than its own."""
    if weights != "pretrained":
        raise ValueError(f"{name!r} brings its own weights: write weights: pretrained, not {weights!r}")


@contextmanager
def download_errors(what):
    """Turns whatever goes wrong while weights are fetched into one error that says what to do."""
    try:
        yield
    except Exception as error:  # hub, network and disk errors share no class
        raise ValueError(
            f"{what}: cannot be fetched ({type(error).__name__}: {str(error)[:300]}); run prepare_encoder "
            "once where there is a network (the hub's cache, HF_HOME, then keeps it), or give the path of a "
            "local checkpoint as `weights`"
        ) from error
