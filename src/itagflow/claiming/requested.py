"""Claims of one queue that say more: by a token, of one package, or of what is held already."""

from __future__ import annotations

from itagflow.claiming import rules
from itagflow.claiming.decision import ClaimPlace
from itagflow.claiming.queue import describe
from itagflow.claiming.service import Claim, read_job_and_member
from itagflow.claiming.wanted import Options
from itagflow.core.lookup import package_in
from itagflow.core.transaction import Transaction
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.workspace import Member


def take_requested(
    transaction: Transaction, member: Member, job: Job, stage: Stage, options: Options
) -> Assignment | None:
    """Give what the same claim, sent before, was given, or what is held, or else something new.

    Raises:
        NotAllowed: when the member may not work there.
        InvalidData: when the job does not have this stage, or the token cannot be stored.
    """
    rules.must_be_a_token(options.token)
    job, member = read_job_and_member(transaction, job, member)
    package: Package | None = None
    if options.package is not None:
        package = package_in(transaction.store, job.id, options.package)
    number = None if package is None else package.number
    terms = rules.Terms(
        token=options.token,
        arguments=rules.describe_arguments(number, is_resumed=options.is_resumed),
    )
    place = ClaimPlace(job, member, stage, transaction.at)
    work = Claim(transaction, describe(transaction.store, transaction, place), terms)
    work.require_permission()
    earlier = work.find_earlier() if options.token else None
    if earlier is None and options.is_resumed:
        earlier = work.find_held(number)
    if earlier is not None:
        return earlier
    taken = work.take(1) if package is None else work.take_package(package)
    if not taken:
        work.require_acknowledged()
        return None
    return taken[0]
