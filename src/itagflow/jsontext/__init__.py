"""JSON as text: `dumps` and `loads`, by msgspec (the extra ``fast``) or the standard library.

Both read alike: the same texts give the same values, and whatever one refuses the other does, with
the same error. What they write is the same too, except for how a float with an exponent is spelled:
``1e16`` and ``0.00001`` for ``1e+16`` and ``1e-05``.

>>> loads(dumps({"data": {"source": "猫.jpg"}}))
{'data': {'source': '猫.jpg'}}
"""

from __future__ import annotations

try:
    from itagflow.jsontext.fast import dumps, loads, loads_own
except ImportError:
    from itagflow.jsontext.standard import dumps, loads, loads_own

from itagflow.jsontext.standard import escape

__all__ = ["dumps", "escape", "loads", "loads_own"]
