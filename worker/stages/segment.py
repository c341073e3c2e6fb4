"""The plan of an assignment's segment, as what works on a segment takes it."""

from __future__ import annotations

from worker.assignment import Assignment
from worker.windows import SegmentPlan


def segment_of(assignment: Assignment) -> SegmentPlan:
    """Return the plan that ingest made of the segment."""
    span = assignment.span
    return SegmentPlan(span.index, span.start_s, span.end_s, assignment.windows)
