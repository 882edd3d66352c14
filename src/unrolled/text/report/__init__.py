"""What a translation run says of itself: the documents that its report and its explanations are rendered from."""

from unrolled.text.report.document import translation_document
from unrolled.text.report.explain import explain_document

__all__ = ["explain_document", "translation_document"]
