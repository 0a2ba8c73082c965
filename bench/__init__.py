"""Measures Arrears. The DynamoDB that answers, with what it would charge, is that of the tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
