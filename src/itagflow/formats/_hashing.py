"""What is known of a file while it is written: its size and its hash."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import attrs

from itagflow.formats._files import BinaryFile


@attrs.define(eq=False)
class HashedFile:
    """Writes to an open file, and knows the size and the hash of what was written."""

    file: BinaryFile
    size: int = attrs.field(default=0, init=False)
    """How many bytes were written."""
    _hash: Any = attrs.field(factory=sha256, init=False)

    @property
    def sha256(self) -> str:
        """The hash of what was written so far, in hexadecimal digits."""
        digest: str = self._hash.hexdigest()
        return digest

    def write(self, data: bytes, /) -> int:
        """Write *data*, and return how many bytes that are."""
        self.file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def readline(self, _size: int, /) -> bytes:
        """Return nothing: it is open for writing."""
        return b""

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def flush(self) -> None:
        """Do nothing: a file is written out when it is closed."""
