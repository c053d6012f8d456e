"""From a study's records to what people read: one HTML file, or the same page in the terminal.

Needs no framework: a page is made from the study file alone, on any machine.
"""

from calando.report.build import build
from calando.report.html import page_html, write_html
from calando.report.page import Page
from calando.report.terminal import renderable

__all__ = ["Page", "build", "page_html", "renderable", "write_html"]
