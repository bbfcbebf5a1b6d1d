"""Two arrays that should be the same, and the bound: whether rounding can be why they are not.

The verdicts are those of `depthwise compare`:
  exact            every number is the same
  within rounding  correct arithmetic of the bundle's precision may give this
  not decided      the same, but the bound exceeds the numbers themselves, so that a wrong backend would pass too
  beyond           correct arithmetic cannot give this
  wrong shape      there was nothing to compare
"""
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np


class BeyondBound(AssertionError):
    """A layer that is wrong, or of which the bound cannot tell. `difference` says where."""

    def __init__(self, message, found):
        super().__init__(message)
        self.difference = found


@dataclass(frozen=True)
class Difference:
    verdict: str
    # Of the element that uses most of its bound; None where the shapes differ.
    coordinate: Optional[Tuple[int, ...]] = None
    theirs: Optional[float] = None
    reference: Optional[float] = None
    bound: Optional[float] = None
    # |theirs - reference| / bound there; above 1 is beyond.
    units: float = 0.0
    # How many numbers are beyond their bounds.
    wrong: int = 0

    @property
    def passed(self):
        return self.verdict in ("exact", "within rounding")


def difference(theirs, reference, bound, allowance=1.0):
    """Compares an array with the reference, element by element; `allowance` multiplies every bound."""
    theirs, reference = np.asarray(theirs, np.float64), np.asarray(reference, np.float64)
    if theirs.shape != reference.shape:
        return Difference("wrong shape")
    bound = np.asarray(bound, np.float64) * allowance
    units = _units(theirs, reference, bound)
    flat = int(np.argmax(units))
    finite = np.isfinite(reference)
    loose = bound[finite].sum() > np.abs(reference[finite]).sum()
    if units.flat[flat] > 1:
        verdict = "beyond"
    elif not np.any(_distance(theirs, reference)):
        verdict = "exact"
    else:
        verdict = "not decided" if loose else "within rounding"
    return Difference(
        verdict,
        tuple(int(i) for i in np.unravel_index(flat, theirs.shape)),
        float(theirs.flat[flat]),
        float(reference.flat[flat]),
        float(bound.flat[flat]),
        float(units.flat[flat]),
        int((units > 1).sum()),
    )


def _distance(theirs, reference):
    """0 for equal numbers and two NaN; NaN is infinitely far from everything else."""
    with np.errstate(invalid="ignore"):
        far = np.abs(theirs - reference)
    same = (theirs == reference) | (np.isnan(theirs) & np.isnan(reference))
    return np.where(same, 0.0, np.where(np.isnan(far), np.inf, far))


def _units(theirs, reference, bound):
    """An infinite bound allows everything. Where the bound is 0 every difference is beyond it: 1 + |difference| / median bound."""
    far = _distance(theirs, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(bound > 0, far / bound, 1 + far / _median(reference, bound))
    return np.where((far == 0) | np.isposinf(bound), 0.0, share)


def _median(reference, bound):
    some = np.sort(bound[(bound > 0) & np.isfinite(bound)], axis=None)
    if some.size > 0:
        return some[some.size // 2]
    finite = np.abs(reference[np.isfinite(reference)])
    return (2.0**-24 * finite.max() if finite.size > 0 else 0.0) or 1.0
