"""Numerics: arrays in, frozen results out. Nothing here draws, stores or knows a model."""

from roadworthy.measures.answers import AnswerTable, answer_table
from roadworthy.measures.best_bands import BestBands, best_bands
from roadworthy.measures.best_cut_off import BestCutOff, Difference, best_cut_off
from roadworthy.measures.bounded import BoundedCutOffTable, bounded_cut_off_table
from roadworthy.measures.brier_decomposition import BrierDecomposition, brier_decomposition
from roadworthy.measures.calibration import Calibration, calibration
from roadworthy.measures.calibration_curve import CalibrationCurve, calibration_curve
from roadworthy.measures.comparison import compare_auc, compare_brier, compare_profit
from roadworthy.measures.confusion import ClassificationReport, Confusion, classification_report, confusion
from roadworthy.measures.constraints import Constraints
from roadworthy.measures.cut_off import CutOffTable, cut_off_table, spread_cut_offs
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
from roadworthy.measures.drift import (
    ChiSquare,
    JensenShannon,
    KSTwoSamples,
    Wasserstein,
    chi_square,
    jensen_shannon,
    ks_two_samples,
    wasserstein,
)
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.emp import EMP, MPCS, emp, mpcs
from roadworthy.measures.equal_range import EqualRange, at_equal_range
from roadworthy.measures.estimated_performance import Estimate, EstimatedPerformance, estimated_performance
from roadworthy.measures.explored import InverseWeights, weigh_by_selection
from roadworthy.measures.expression import Expression, evaluate, parse_term
from roadworthy.measures.fairness import (
    FOUR_FIFTHS,
    AdverseImpact,
    MeanDifference,
    adverse_impact_ratio,
    standardised_mean_difference,
)
from roadworthy.measures.frontier import Frontier, efficient_frontier
from roadworthy.measures.gains import GainsTable, gains_table
from roadworthy.measures.group_rates import GroupRates, group_rates
from roadworthy.measures.h_measure import HMeasure, h_measure
from roadworthy.measures.horizons import join_horizons
from roadworthy.measures.hosmer_lemeshow import HosmerLemeshow, hosmer_lemeshow
from roadworthy.measures.odd_shares import OddShares, odd_shares
from roadworthy.measures.probability import Brier, LogLoss, brier, log_loss
from roadworthy.measures.recalibration import (
    CalibrationInTheLarge,
    CalibrationSlope,
    calibration_in_the_large,
    calibration_slope,
)
from roadworthy.measures.referral_trade import ReferralTrade
from roadworthy.measures.referrals import Referrals
from roadworthy.measures.reject_inference import RejectSensitivity, reject_sensitivity
from roadworthy.measures.results import Interval, Measure, Table
from roadworthy.measures.stability import CSI, PSI, csi, psi
from roadworthy.measures.swap_set import SwapSet, swap_set
from roadworthy.measures.term import Term
from roadworthy.measures.threshold import CostSensitiveCutOff, cost_sensitive_cut_off
from roadworthy.measures.verdict import Comparison
from roadworthy.measures.vintages import VintageMaturity, Vintages, vintages

__all__ = [
    "AUC",
    "CSI",
    "EMP",
    "FOUR_FIFTHS",
    "KS",
    "MPCS",
    "PSI",
    "AdverseImpact",
    "AnswerTable",
    "AveragePrecision",
    "BestBands",
    "BestCutOff",
    "BoundedCutOffTable",
    "Brier",
    "BrierDecomposition",
    "Calibration",
    "CalibrationCurve",
    "CalibrationInTheLarge",
    "CalibrationSlope",
    "ChiSquare",
    "ClassificationReport",
    "Comparison",
    "Confusion",
    "Constraints",
    "CostSensitiveCutOff",
    "CutOffTable",
    "DecileKS",
    "Difference",
    "Economics",
    "EqualRange",
    "Estimate",
    "EstimatedPerformance",
    "Expression",
    "Frontier",
    "GainsTable",
    "Gini",
    "GroupRates",
    "HMeasure",
    "HosmerLemeshow",
    "Interval",
    "InverseWeights",
    "JensenShannon",
    "KSTwoSamples",
    "LogLoss",
    "MeanDifference",
    "Measure",
    "OddShares",
    "Priced",
    "ReferralTrade",
    "Referrals",
    "RejectSensitivity",
    "SwapSet",
    "Table",
    "Term",
    "VintageMaturity",
    "Vintages",
    "Wasserstein",
    "adverse_impact_ratio",
    "answer_table",
    "at_equal_range",
    "auc",
    "average_precision",
    "best_bands",
    "best_cut_off",
    "bounded_cut_off_table",
    "brier",
    "brier_decomposition",
    "calibration",
    "calibration_curve",
    "calibration_in_the_large",
    "calibration_slope",
    "chi_square",
    "classification_report",
    "compare_auc",
    "compare_brier",
    "compare_profit",
    "confusion",
    "cost_sensitive_cut_off",
    "csi",
    "cut_off_table",
    "decile_ks",
    "efficient_frontier",
    "emp",
    "estimated_performance",
    "evaluate",
    "gains_table",
    "gini",
    "group_rates",
    "h_measure",
    "hosmer_lemeshow",
    "jensen_shannon",
    "join_horizons",
    "ks",
    "ks_two_samples",
    "log_loss",
    "mpcs",
    "odd_shares",
    "parse_term",
    "psi",
    "reject_sensitivity",
    "spread_cut_offs",
    "standardised_mean_difference",
    "swap_set",
    "vintages",
    "wasserstein",
    "weigh_by_selection",
]
