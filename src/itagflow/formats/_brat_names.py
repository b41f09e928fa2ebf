"""How brat spells what a template asks about spans and relations."""

from __future__ import annotations

import re
from collections.abc import Collection

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._parts import list_parts, spell_keys
from itagflow.formats._port import FormatContext, FormatOption
from itagflow.formats._texts import MarkedText
from itagflow.model.template import Question

NAME = FormatOption("name", str, None)
"""The field of ``data`` with the name of the text, which its files have; None: there is none."""
CONFIG = "annotation.conf"
REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What ends a line or a column for some program."""
_UNSPELLED = re.compile(r"[^\w-]")


def spell(name: str) -> str:
    """Return a name as it is spelled in a file.

    >>> spell("is part of"), spell("猫")
    ('is_part_of', '猫')
    """
    return _UNSPELLED.sub("_", name)


@attrs.frozen(kw_only=True)
class Names:
    """What is asked about a text, by how it is spelled."""

    marked: MarkedText
    relation: Question | None
    """What is asked about a relation that says its class."""
    relation_names: dict[str, str]
    """The classes of relations as they are spelled, with their keys."""
    parts: dict[str, Question]
    """What is asked about spans, by its title as it is spelled."""
    links: dict[str, Question]
    """What is asked about relations, in the same way."""

    @classmethod
    def find(cls, context: FormatContext) -> Names:
        """Return what the template asks about texts.

        Raises:
            InvalidData: when it asks nothing of the kind, or two names are spelled alike.
        """
        marked = MarkedText.find(context, spell)
        links = [child for top in marked.question.relations for child in top.every]
        parts = list_parts(marked.question)
        relation = next((child for child in links if child.options), None)
        for child in (*parts, *links):
            spell_keys(child, spell)  # so that no two options are spelled alike
        return cls(
            marked=marked,
            relation=relation,
            relation_names=spell_keys(relation, spell),
            parts=_spell_titles(parts),
            links=_spell_titles(links),
        )

    def render_config(self) -> str:
        """Return the configuration that belongs to the files."""
        label, links = self.marked.label, self.relation_names
        about = [child for child in self.parts.values() if child != label and child.options]
        lines = ["[entities]", *self.marked.names, "[relations]"]
        lines += [f"{name}\tArg1:<ENTITY>, Arg2:<ENTITY>" for name in links]
        lines += ["[events]", "[attributes]"]
        for child in about:
            values = "|".join(map(spell, (option.key for option in child.options)))
            lines.append(f"{spell(child.title)}\tArg:<ENTITY>, Value:{values}")
        return "".join(f"{line}\n" for line in lines)


def _spell_titles(questions: Collection[Question]) -> dict[str, Question]:
    spelled = {spell(question.title): question for question in questions}
    if len(spelled) < len({question.title for question in questions}):
        reason = "has questions about parts whose titles are written alike in a file"
        raise InvalidData("the template", [Problem("questions", reason)])
    return spelled
