"""Quantised vectors: padding, lengths and residuals, and the vectors that are refused."""

import numpy as np
import pytest
import torch

from nearkin.search import error_bounds as module
from nearkin.search.error_bounds import fast_precision, quantise
from tests.factories import random_study

CPU = torch.device("cpu")


def quantise_vectors(vectors, codes=None, precision=torch.bfloat16):
    codes = np.arange(len(vectors)) if codes is None else np.array(codes)
    return quantise(np.array(vectors, dtype=np.float32), codes, device=CPU, precision=precision)


@pytest.mark.parametrize(("n", "n_padded"), [(1, 8), (7, 8), (8, 8), (9, 16)])
@pytest.mark.parametrize("chunk_rows", [1, 3, 512])
def test_rows_of_zeros_pad_to_whole_groups(monkeypatch, n, n_padded, chunk_rows):
    monkeypatch.setattr(module, "CHUNK_ROWS", chunk_rows)
    vectors = 3 * random_study.vectors(1, n, width=5, n_copies=0)
    quantised = quantise_vectors(vectors, codes=range(100, 100 + n))
    assert quantised.codes.tolist() == [*range(100, 100 + n), *[-1] * (n_padded - n)]
    assert quantised.exact.shape == (n, 5) and quantised.fast.shape == (n_padded, 5)
    assert (
        torch.equal(quantised.fast[:n], torch.from_numpy(vectors).bfloat16()) and not quantised.fast[n:].any()
    )
    residuals = vectors.astype(float) - quantised.fast[:n].double().numpy()
    assert np.allclose(quantised.lengths[:n], np.linalg.norm(vectors.astype(float), axis=1), rtol=1e-14)
    assert np.allclose(quantised.residuals[:n], np.linalg.norm(residuals, axis=1), rtol=1e-14)
    assert not quantised.lengths[n:].any() and not quantised.residuals[n:].any()


@pytest.mark.parametrize("row", [0, 4])
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_the_first_vector_without_direction_is_named(row, value):
    vectors = random_study.vectors(1, 6, n_copies=0)
    vectors[[row, 5]] = value
    with pytest.raises(ValueError, match=f"vector {row} is zero or not finite"):
        quantise_vectors(vectors)


@pytest.mark.parametrize(("avx", "amx"), [(True, False), (False, True), (False, False), (None, None)])
def test_the_fast_precision_depends_on_the_processor(monkeypatch, avx, amx):
    for name, is_supported in (("_is_avx512_bf16_supported", avx), ("_is_amx_tile_supported", amx)):
        if is_supported is None:
            monkeypatch.delattr(torch.cpu, name, raising=False)
        else:
            monkeypatch.setattr(
                torch.cpu, name, lambda is_supported=is_supported: is_supported, raising=False
            )
    assert fast_precision(CPU) == (torch.bfloat16 if avx or amx else torch.float32)


@pytest.mark.parametrize("native", [True, False])
def test_a_gpu_that_only_emulates_bfloat16_gets_float32(monkeypatch, native):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation
    )
    assert fast_precision(torch.device("cuda")) == (torch.bfloat16 if native else torch.float32)
