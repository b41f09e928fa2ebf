"""Write the pinned texts and the async verbs again: ``python tests/docs/pins/write.py``.

Read the diff before the commit.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
from support.pins import awaited

if __name__ == "__main__":
    awaited.write()  # first: the public names are those of the modules that are written here

    from support.pins import golden

    golden.write({**golden.public(), **golden.story("memory:")})
