"""What is loaded before the first verb runs, because `import itagflow` leaves it out to be quick.

A `Flow` imports this module when it is made, so that no verb imports anything.  Python's own import
is neither safe against exceptions from outside nor against forks: when an interrupt strikes inside
it, or another thread is inside it while a process forks, the lock of a module stays locked,
and whoever needs that module never goes on.
"""

import encodings.cp437  # of the names in a zip file
import encodings.utf_8_sig  # a codec of texts is imported when one is first read or written in it

# the standard library's, which `formats` and others import inside of functions
import importlib.metadata
import inspect
import logging
import shutil
import tempfile

from itagflow import maintenance, schema, templates
from itagflow.formats import (
    brat,
    coco,
    conll,
    csv,
    cvat,
    docbin,
    hugging_face,
    image_folder,
    itag,
    itag_v1,
    jsonl,
    label_studio,
    labelme,
    parquet,
    rttm,
    srt,
    trl,
    voc,
    webdataset,
    webvtt,
    yolo,
)
from itagflow.prelabels import sources

LOADED = (
    encodings.cp437,
    encodings.utf_8_sig,
    importlib.metadata,
    inspect,
    logging,
    shutil,
    tempfile,
    brat,
    coco,
    conll,
    csv,
    cvat,
    docbin,
    hugging_face,
    image_folder,
    itag,
    itag_v1,
    jsonl,
    label_studio,
    labelme,
    maintenance,
    rttm,
    schema,
    sources,
    srt,
    templates,
    parquet,
    trl,
    voc,
    webdataset,
    webvtt,
    yolo,
)
"""All of it."""
