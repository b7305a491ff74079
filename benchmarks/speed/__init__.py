"""Verbatim beside what people would use instead: what a question, an article, a start and a corpus cost."""
