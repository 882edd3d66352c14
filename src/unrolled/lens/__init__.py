"""Looking inside: what flows through a recurrent model, forwards (`record`) and backwards (`gradient_flow`)."""

from unrolled.lens.checks import Checks, Finding, check_model
from unrolled.lens.gradients import GradientFlow, GradientFlows, gradient_flow
from unrolled.lens.record import record
from unrolled.lens.tape import Tape

__all__ = ["Checks", "Finding", "GradientFlow", "GradientFlows", "Tape", "check_model", "gradient_flow", "record"]
