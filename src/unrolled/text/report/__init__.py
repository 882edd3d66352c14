"""What a translation run says of itself: the document that its report is rendered from."""

from unrolled.text.report.document import translation_document

__all__ = ["translation_document"]
