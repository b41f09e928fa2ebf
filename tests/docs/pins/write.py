"""Write the pinned texts anew: ``python tests/docs/pins/write.py``.  Read the diff before the commit."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
from support.pins import golden

if __name__ == "__main__":
    golden.write({**golden.public(), **golden.story("memory:")})
