"""Taking turns back from people when their job or their membership has ended."""

from __future__ import annotations

from itagflow.flow._act import Shell
from itagflow.flow._turns import recall
from itagflow.model.package import Assignment
from itagflow.storage.port import Query


class Recalling(Shell):
    """What the verbs that end a job or a membership stand on."""

    def _recall_all(self, live: Query[Assignment], by: int, reason: str, *, free: bool) -> None:
        """Take back the *live* turns in the name of *by*, each in a block of its own.

        Nobody can be given such a turn any more: what a claim had begun before is stored by now.
        """
        with self.store.read() as reader:
            turns = sorted(reader.find(live), key=lambda turn: (turn.job, turn.package, turn.id))
        for turn in turns:
            with self._acting() as block:
                package, now = block.hold_turn(turn)
                if now.live:
                    recall(block, package, now, by, reason, free=free)
