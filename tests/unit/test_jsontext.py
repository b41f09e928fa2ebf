"""What JSON is taken: numbers that a float can hold, wherever they stand in a text."""

import json

import pytest

from itagflow.jsontext import standard

TOO_LARGE = [
    "1e400",
    "1E400",
    "1e+400",
    "-1.5E+309",
    f"{'9' * 210}e99",
    f"{'9' * 400}.0",
]
NOT_TOO_LARGE = ["1e308", "1E+300", f"{'9' * 209}e99", f"{'9' * 300}.0", "1e-400", "9" * 400]


@pytest.mark.parametrize("number", TOO_LARGE)
def test_a_number_that_is_too_large_is_refused_wherever_it_stands(number: str) -> None:
    for spaces in range(32):
        with pytest.raises(ValueError, match="too large"):
            standard.loads(f"[{' ' * spaces}{number}]")


@pytest.mark.parametrize("number", NOT_TOO_LARGE)
def test_any_other_number_is_read_as_json_reads_it(number: str) -> None:
    text = f'["e400","E+999",{number}]'
    assert standard.loads(text) == json.loads(text)
