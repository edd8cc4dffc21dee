"""What a person configures in YAML: the base of its models, its files, and messages for their faults.

What lives here: `ConfigModel`, the reader of YAML files, the messages of faults, and the models of the settings
`universe` and `quality`, which `trading_assets.market_data` applies.
What to put here: models of parts of `settings.yaml`.
What not: models of other files, which belong to the stage that reads them, such as books.
"""

from trading_assets.desk.configuration.faults import ConfigurationError
from trading_assets.desk.configuration.model import ConfigModel
from trading_assets.desk.configuration.quality import QualityRules
from trading_assets.desk.configuration.universe import UniverseSettings
from trading_assets.desk.configuration.yaml_file import read_mapping

__all__ = ["ConfigModel", "ConfigurationError", "QualityRules", "UniverseSettings", "read_mapping"]
