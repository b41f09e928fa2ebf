"""The acceptance plans that a job can store."""

from itagflow.quality.iso_plans import Iso2859
from itagflow.quality.plans import SinglePlan
from itagflow.quality.sequential_plans import SequentialPlan
from itagflow.quality.table_plans import TablePlan

Plan = Iso2859 | SequentialPlan | SinglePlan | TablePlan
"""A plan of the library for lots of any size."""
