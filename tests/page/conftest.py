"""Pages are looked at in a browser, which `make test-page` asks for."""

import shutil
from importlib.util import find_spec

collect_ignore_glob = (
    [] if find_spec("selenium") and shutil.which("chromedriver") else ["test_*.py"]
)
