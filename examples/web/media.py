"""Images and sounds, from one folder."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse

from .sessions import Account

# no SVG and no HTML: a browser runs scripts that are in them
MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
router = APIRouter()


def find_file(folder: Path, name: str) -> Path | None:
    """Return the file of this name in *folder*, or None when there is none that may be shown."""
    try:
        # links are followed first, so that none leads out of the folder
        path = (folder / name).resolve()
    except (OSError, ValueError):  # such as a name with a NUL
        return None
    is_inside = path.is_relative_to(folder.resolve())
    return path if is_inside and path.suffix.lower() in MEDIA_TYPES and path.is_file() else None


def list_files(folder: Path) -> list[str]:
    """Return the names of all files that may be shown."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in MEDIA_TYPES)
    return sorted(path.relative_to(folder).as_posix() for path in found)


@router.get("/media/{name:path}")
def read_file(request: Request, name: str, _: Account) -> FileResponse:
    """Send a file to somebody who is signed in."""
    path = find_file(request.app.state.settings.media, name)
    if path is None:
        raise HTTPException(404, "there is no such file")
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix.lower()])
