"""What a chapter opens, and what Sphinx needs to build the pages."""

from analysis.book.chapters import Book, collect, open_book

__all__ = ["Book", "collect", "open_book"]
