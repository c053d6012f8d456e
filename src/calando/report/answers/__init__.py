"""Answers that need no study: transfers, forecasts, choices. A page as data, then its painters."""

from calando.report.answers.html import answer_html, write_answer
from calando.report.answers.page import AnswerPage, Column, Part, Picture, Table
from calando.report.answers.png import answer_png
from calando.report.answers.terminal import answer_text

__all__ = [
    "AnswerPage",
    "Column",
    "Part",
    "Picture",
    "Table",
    "answer_html",
    "answer_png",
    "answer_text",
    "write_answer",
]
