import pytest
@pytest.mark.parametrize("i", range(6))
def test_x(lake, i):
    lake.cursor()
