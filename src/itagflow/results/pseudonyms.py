"""What members are called in files that leave the application."""

from __future__ import annotations

from hashlib import blake2s

from itagflow.model.workspace import Workspace


def make_pseudonym(workspace: Workspace, member: int) -> str:
    """Return what the member with this key is called in files.

    The same in all files of the workspace, so that the work of one person can be told from that of
    another.  Whoever has only files cannot tell who it is, even if they know all accounts and keys
    of members: the key of the workspace is in none of them.
    """
    key = bytes.fromhex(workspace.pseudonym_key)
    # five bytes: with ten thousand members two of the same are as good as never seen
    return f"w-{blake2s(str(member).encode(), key=key, digest_size=5).hexdigest()}"
