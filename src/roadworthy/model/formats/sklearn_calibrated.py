"""scikit-learn's CalibratedClassifierCV: sigmoid, isotonic, temperature; one calibrator or the mean of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.model.formats.feature import CannotCompile, Feature

if TYPE_CHECKING:
    from roadworthy.model.formats.compose import Draft

NAMES = ("sklearn.CalibratedClassifierCV",)


def compose(model: Any, features: list[Feature], bad_first: bool, draft: Draft) -> int:
    """Each member's answer through its own calibrator; their mean, added up in order."""
    members = [_calibrate(member, features, bad_first, draft) for member in model.calibrated_classifiers_]
    return draft.mean(members, divisor=float(len(members)))


def _calibrate(member: Any, features: list[Feature], bad_first: bool, draft: Draft) -> int:
    answer, is_decision = draft.response(member.estimator, features)
    (calibrator,) = member.calibrators
    if member.method == "temperature":
        if np.asarray(calibrator.beta_).dtype != np.float64:
            raise CannotCompile("a temperature in float32 has no compiled form yet")
        name = "softmax" if is_decision else "softmax_of_pd"
        return draft.curve(name, answer, float(calibrator.beta_), float(not bad_first))
    if member.method == "sigmoid":
        calibrated = draft.curve("platt", answer, float(calibrator.a_), float(calibrator.b_))
    else:
        knots, values = calibrator.X_thresholds_, calibrator.y_thresholds_
        narrow = knots.dtype == np.float32
        if narrow and len(knots) < 2:
            raise CannotCompile("an isotonic calibrator of one point in float32 has no compiled form")
        calibrated = draft.curve("isotonic_float32" if narrow else "isotonic", answer, *knots, *values)
    return draft.curve("complement", calibrated) if bad_first else calibrated
