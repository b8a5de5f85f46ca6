"""The built-in builders of samples; they enter by the same door as anybody's."""

from backtalk_samples.cases import FailedCases, GoldenCases, RegressionCases
from backtalk_samples.demonstrations import AcceptedAnswers, CorrectedAnswers, ToolCalls
from backtalk_samples.judged import JudgedAnswers, JudgedPrompts
from backtalk_samples.pairs import CorrectionPairs, EditPairs, RegenerationPairs
from backtalk_samples.ranked import BestWorstPairs, RankingPairs

__all__ = [
    "AcceptedAnswers",
    "BestWorstPairs",
    "CorrectedAnswers",
    "CorrectionPairs",
    "EditPairs",
    "FailedCases",
    "GoldenCases",
    "JudgedAnswers",
    "JudgedPrompts",
    "RankingPairs",
    "RegenerationPairs",
    "RegressionCases",
    "ToolCalls",
]
