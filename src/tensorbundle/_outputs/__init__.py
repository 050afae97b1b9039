"""Outputs and inputs of graphs whose programs are gone (freeze.md §4).

The graph becomes numbers (`_topology`), its parts get roles (`_roles`), what may be a result is
gathered (`_candidates`) and scored (`_score`), after what the file itself says (`_stated`).
"""

from ._inputs import InputCandidate, suggest_inputs
from ._suggest import Candidate, suggest_outputs

__all__ = ["Candidate", "InputCandidate", "suggest_inputs", "suggest_outputs"]
