"""Making a source from settings."""

from datetime import date

import pytest

from trading_assets.market_data import sources
from trading_assets.market_data.sources import (
    FilesSource,
    SampleSource,
    SimulatedSource,
    Source,
    SourceConfigError,
    SourceError,
    SourceFormatError,
    SourceUnavailableError,
    make_source,
)


def test_each_kind_makes_its_source():
    assert make_source({"kind": "sample"}) == SampleSource()
    assert make_source({"kind": "files", "path": "x.csv", "columns": {"close": "px"}}) == FilesSource(
        path="x.csv", columns={"close": "px"}
    )
    simulated = make_source({"kind": "simulated", "seed": 7, "start": "2020-01-02", "end": date(2020, 12, 31)})
    assert isinstance(simulated, SimulatedSource)
    assert (simulated.parameters.seed, simulated.parameters.start) == (7, date(2020, 1, 2))
    assert isinstance(simulated, Source)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "source.kind is None; it must be one of 'alpaca', 'files', 'sample', 'simulated'"),
        ({"kind": "simulatd"}, "did you mean 'simulated'"),
        ({"kind": ["sample"]}, "it must be one of 'alpaca', 'files', 'sample', 'simulated'"),
        ({"kind": "simulated", "sed": 1}, r"source.simulated.sed does not exist \(did you mean 'seed'\?\).*n_symbols"),
        ({"kind": "sample", "path": "x"}, "none, it has no settings"),
        ({"kind": "files"}, "source.files.path is missing"),
        ({"kind": "files", "path": "x.csv", "interval": "5m"}, r"source.files.interval.*'1d', '1h' or '1m'"),
        ({"kind": "simulated", "seed": "seven"}, r"source.simulated.seed.*integer.*'seven'"),
        ({"kind": "simulated", "gap_rate": 2}, "source.simulated.gap_rate is 2.*between 0 and 1"),
    ],
)
def test_wrong_setting_is_named_with_the_valid_ones(config, message):
    with pytest.raises(SourceConfigError, match=message):
        make_source(config)


def test_settings_are_left_as_they_were():
    config = {"kind": "simulated", "seed": 3}
    make_source(config)
    assert config == {"kind": "simulated", "seed": 3}


def test_only_an_unavailable_source_is_worth_a_retry():
    assert SourceUnavailableError.retryable
    assert not SourceFormatError.retryable
    assert issubclass(SourceUnavailableError, SourceError)


def test_every_exported_name_exists():
    assert all(hasattr(sources, name) for name in sources.__all__)
    assert sources.__all__ == sorted(sources.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
