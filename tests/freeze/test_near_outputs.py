"""Names of outputs that are not there: likely outputs are named before those spelt alike."""

import pytest

import tensorbundle as tb
from tests.golden.cases import DATA

DEMO = DATA / "demo" / "model.ckpt-2000.meta"


@pytest.mark.parametrize("name", ["probs", "probability", "head/prob_out"])
def test_likely_output_is_named_first(name: str) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=r"did you mean 'probabilities'") as caught:
        tb.freeze(DEMO, outputs=name)
    assert "Initializer" not in str(caught.value)
