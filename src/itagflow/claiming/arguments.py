"""What a member gives to `claim`, checked before anything is stored."""

from __future__ import annotations

from itagflow.claiming.service import ClaimRequest
from itagflow.core.lookup import JobRef, MemberRef, PackageRef
from itagflow.model.arguments import require_flag
from itagflow.model.enums import parse_enum
from itagflow.model.job import Stage
from itagflow.model.text import require_text


def parse_claim(
    member: MemberRef,
    job: JobRef,
    stage: Stage | str,
    *,
    package: PackageRef | int | None,
    resume: bool,
    token: str,
) -> ClaimRequest:
    """Return what is asked for by a claim.

    Raises:
        InvalidData: when the stage is none, the token is no text that can be stored, or *resume* is
            no flag.
    """
    return ClaimRequest(
        member,
        job,
        parse_enum(Stage, stage),
        token=require_text("claim", "token", token),
        package=package,
        is_resumed=require_flag("claim", "resume", resume),
    )
