"""Ready-made templates, one function each.

Titles are data of a template, not fixed keys: the defaults are the English titles of iTAG's
documents, and each function names the Chinese ones, for jobs whose results must look like those of
a Chinese console. A template of your own is a `Template` with any mix of questions and views; its
parts are here too, and the steps by which `flow.jobs.change_template` changes one.

>>> from itagflow.templates import Option, Question, QuestionKind
>>> Question("1", QuestionKind.RADIO, "Animal", options=(Option("cat"), Option("dog"))).title
'Animal'
"""

from itagflow.model.migration import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    RenameOption,
    RenameQuestion,
)
from itagflow.model.reports import TemplateReport
from itagflow.model.template import (
    Option,
    Question,
    QuestionKind,
    Scale,
    Shape,
    Template,
    View,
    ViewKind,
)
from itagflow.templates.image import (
    image_captioning,
    image_classification,
    keypoints,
    moderation,
    object_detection,
    ocr,
    pdf_pages,
    segmentation,
    table_recognition,
)
from itagflow.templates.itag import from_itag, to_itag
from itagflow.templates.label_studio import from_label_studio, to_label_studio
from itagflow.templates.language import dialogue_rating, pairwise_preference, preference_ranking
from itagflow.templates.recording import (
    audio_classification,
    audio_segmentation,
    speech_recognition,
    video_classification,
    video_segmentation,
)
from itagflow.templates.text import entity_recognition, entity_relation, text_classification

__all__ = [
    "AddOption",
    "AddQuestion",
    "DropOption",
    "DropQuestion",
    "Option",
    "Question",
    "QuestionKind",
    "RenameOption",
    "RenameQuestion",
    "Scale",
    "Shape",
    "Template",
    "TemplateReport",
    "View",
    "ViewKind",
    "audio_classification",
    "audio_segmentation",
    "dialogue_rating",
    "entity_recognition",
    "entity_relation",
    "from_itag",
    "from_label_studio",
    "image_captioning",
    "image_classification",
    "keypoints",
    "moderation",
    "object_detection",
    "ocr",
    "pairwise_preference",
    "pdf_pages",
    "preference_ranking",
    "segmentation",
    "speech_recognition",
    "table_recognition",
    "text_classification",
    "to_itag",
    "to_label_studio",
    "video_classification",
    "video_segmentation",
]
