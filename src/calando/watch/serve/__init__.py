"""The live page: what is looked at (`board`), what is told of it (`told`), who may look (`guard`), and the server."""

from calando.watch.serve.board import Board
from calando.watch.serve.server import Server

__all__ = ["Board", "Server"]
