"""Numerics: arrays in, frozen results out. Nothing here draws, stores or knows a model."""

from roadworthy.measures.answers import AnswerTable, answer_table
from roadworthy.measures.best_cut_off import BestCutOff, Difference, best_cut_off
from roadworthy.measures.brier_decomposition import BrierDecomposition, brier_decomposition
from roadworthy.measures.calibration import Calibration, calibration
from roadworthy.measures.calibration_curve import CalibrationCurve, calibration_curve
from roadworthy.measures.comparison import Comparison, compare_auc, compare_brier, compare_profit
from roadworthy.measures.confusion import ClassificationReport, Confusion, classification_report, confusion
from roadworthy.measures.constraints import Constraints
from roadworthy.measures.cut_off import CutOffTable, cut_off_table
from roadworthy.measures.discrimination import (
    AUC,
    KS,
    AveragePrecision,
    DecileKS,
    Gini,
    auc,
    average_precision,
    decile_ks,
    gini,
    ks,
)
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.emp import EMP, emp
from roadworthy.measures.expression import Expression, evaluate, parse_term
from roadworthy.measures.fairness import (
    AdverseImpact,
    MeanDifference,
    adverse_impact_ratio,
    standardised_mean_difference,
)
from roadworthy.measures.gains import GainsTable, gains_table
from roadworthy.measures.group_rates import GroupRates, group_rates
from roadworthy.measures.h_measure import HMeasure, h_measure
from roadworthy.measures.horizons import join_horizons
from roadworthy.measures.hosmer_lemeshow import HosmerLemeshow, hosmer_lemeshow
from roadworthy.measures.probability import Brier, LogLoss, brier, log_loss
from roadworthy.measures.recalibration import (
    CalibrationInTheLarge,
    CalibrationSlope,
    calibration_in_the_large,
    calibration_slope,
)
from roadworthy.measures.referrals import Referrals
from roadworthy.measures.results import Interval, Measure, Table
from roadworthy.measures.stability import PSI, psi
from roadworthy.measures.term import Term
from roadworthy.measures.vintages import VintageMaturity, Vintages, vintages

__all__ = [
    "AUC",
    "EMP",
    "KS",
    "PSI",
    "AdverseImpact",
    "AnswerTable",
    "AveragePrecision",
    "BestCutOff",
    "Brier",
    "BrierDecomposition",
    "Calibration",
    "CalibrationCurve",
    "CalibrationInTheLarge",
    "CalibrationSlope",
    "ClassificationReport",
    "Comparison",
    "Confusion",
    "Constraints",
    "CutOffTable",
    "DecileKS",
    "Difference",
    "Economics",
    "Expression",
    "GainsTable",
    "Gini",
    "GroupRates",
    "HMeasure",
    "HosmerLemeshow",
    "Interval",
    "LogLoss",
    "MeanDifference",
    "Measure",
    "Priced",
    "Referrals",
    "Table",
    "Term",
    "VintageMaturity",
    "Vintages",
    "adverse_impact_ratio",
    "answer_table",
    "auc",
    "average_precision",
    "best_cut_off",
    "brier",
    "brier_decomposition",
    "calibration",
    "calibration_curve",
    "calibration_in_the_large",
    "calibration_slope",
    "classification_report",
    "compare_auc",
    "compare_brier",
    "compare_profit",
    "confusion",
    "cut_off_table",
    "decile_ks",
    "emp",
    "evaluate",
    "gains_table",
    "gini",
    "group_rates",
    "h_measure",
    "hosmer_lemeshow",
    "join_horizons",
    "ks",
    "log_loss",
    "parse_term",
    "psi",
    "standardised_mean_difference",
    "vintages",
]
