"""What a chapter opens, and what Sphinx needs to build the pages."""

from analysis.book.chapters import collect, open_book
from analysis.opened_book import Book

__all__ = ["Book", "collect", "open_book"]
