"""Reads a graph in Graphviz' language: that part of its grammar that names no subgraphs, ports or HTML strings, to the letter."""
import re

from etude import Failure

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[A-Za-z_\u0080-\u00ff][\w\u0080-\u00ff]*|-?(?:\.\d+|\d+(?:\.\d*)?)|[{}\[\];,=])')
KEYWORDS = ("digraph", "graph", "node", "edge", "strict", "subgraph")


def tokens(text):
    position, text = 0, text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise Failure(f"no graph: {text[position:position + 40]!r} is no token")
        yield match[1]
        position = match.end()
    yield None


class Reader:
    """digraph ID { statement; ... } with statements ID [attributes], ID -> ID [attributes], node|edge|graph [attributes], ID = ID."""

    def __init__(self, text):
        self.tokens, self.nodes, self.edges = tokens(text), {}, {}
        self.token = next(self.tokens)

    def take(self, wanted=None):
        token = self.token
        if token is None or wanted not in (None, token):
            raise Failure(f"no graph: {token!r} stands where {wanted or 'something'!r} should")
        self.token = next(self.tokens)
        return token

    def name(self):
        token = self.take()
        if token in "{}[];,=->" or token.lower() in KEYWORDS:
            raise Failure(f"no graph: {token!r} is no name")
        return token if token[0] != '"' else re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), token[1:-1])

    def attributes(self):
        found = {}
        while self.token == "[":
            self.take()
            while self.token != "]":
                key = self.name()
                self.take("=")
                found[key] = self.name()
                if self.token in (",", ";"):
                    self.take()
            self.take("]")
        return found

    def statement(self):
        if self.token in ("node", "edge", "graph"):
            self.take()
            self.attributes()
            return
        first = self.name()
        if self.token == "=":
            self.take()
            self.name()
        elif self.token == "->":
            self.take()
            second = self.name()
            self.edges[first, second] = self.attributes()
        else:
            self.nodes[first] = self.attributes()

    def graph(self):
        self.take("digraph")
        self.name()
        self.take("{")
        while self.token != "}":
            self.statement()
            if self.token == ";":
                self.take()
        self.take("}")
        if self.token is not None:
            raise Failure(f"no graph: {self.token!r} stands behind its end")


def read(text):
    """{node: attributes}, {(from, to): attributes}; raises Failure if it is no graph."""
    reader = Reader(text)
    reader.graph()
    return reader.nodes, reader.edges
