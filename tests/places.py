"""Where things lie: the project, its tests, the golden files."""

from pathlib import Path

TESTS = Path(__file__).parent
PROJECT = TESTS.parent
GOLDEN = TESTS / "golden"
