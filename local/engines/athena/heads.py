"""A cursor over the first words of a statement."""

import re

from sqlglot.tokenizer_core import Token, TokenType

from local.engines.athena.errors import AthenaError, refuse


class Head:
    """A cursor over the words of a statement."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
            tokens = tokens[:-1]
        self.sql, self.tokens, self.at = sql, tokens, 0

    def peek(self) -> str:
        """The next word in capitals, empty at the end."""
        return self.tokens[self.at].text.upper() if self.at < len(self.tokens) else ""

    def maybe(self, *words: str) -> bool:
        """Takes the words if they are next."""
        ahead = self.tokens[self.at : self.at + len(words)]
        texts = ["''" if t.token_type is TokenType.STRING else t.text.upper() for t in ahead]
        joined = " ".join(texts).split()  # the tokenizer keeps some words together
        if joined[: len(words)] != list(words):
            return False
        taken = 0
        while taken < len(words):
            taken += len(self.peek().split())
            self.at += 1
        return True

    def take(self, *words: str) -> None:
        """Takes the words or fails."""
        if not self.maybe(*words):
            raise self.error()

    def error(self) -> AthenaError:
        """A syntax error here."""
        if self.at >= len(self.tokens):
            return AthenaError("SYNTAX_ERROR", "mismatched input '<EOF>'", len(self.sql))
        token = self.tokens[self.at]
        return AthenaError("SYNTAX_ERROR", f"mismatched input '{token.text}'", token.start)

    def identifier(self) -> str:
        """One name, lower case as everywhere in Glue."""
        if self.at >= len(self.tokens) or not re.fullmatch(r"[\w$-]+", self.tokens[self.at].text):
            raise self.error()
        self.at += 1
        return self.tokens[self.at - 1].text.lower()

    def name(self) -> tuple[str | None, str]:
        """`table`, `schema.table` or `catalog.schema.table`."""
        parts = [self.identifier()]
        while self.maybe("."):
            parts.append(self.identifier())
        if len(parts) == 3 and parts[0] == "awsdatacatalog":
            parts = parts[1:]
        if len(parts) > 2:
            raise refuse(f"the catalog {parts[0]!r}")
        return (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])

    def text(self) -> str:
        """One string literal."""
        if self.at >= len(self.tokens) or self.tokens[self.at].token_type is not TokenType.STRING:
            raise self.error()
        self.at += 1
        return self.tokens[self.at - 1].text

    def properties(self) -> dict[str, str]:
        """`(key = 'value', key = ARRAY['a'])`; an array's items are joined by commas."""
        self.take("(")
        result = {}
        while not self.maybe(")"):
            key = self.identifier()
            self.take("=")
            if self.maybe("ARRAY"):
                self.take("[")
                items = []
                while not self.maybe("]"):
                    items.append(self.text())
                    self.maybe(",")
                result[key] = ",".join(items)
            elif (
                self.tokens[self.at : self.at + 1]
                and self.tokens[self.at].token_type is TokenType.STRING
            ):
                result[key] = self.text()
            else:
                result[key] = self.identifier()
            self.maybe(",")
        return result

    def rest(self, until: int | None = None) -> str:
        """The text from here (to token `until`), all before it blanked."""
        tokens = self.tokens[self.at : until]
        if not tokens:
            raise self.error()
        start, stop = tokens[0].start, tokens[-1].end + 1
        return re.sub(r"[^\n]", " ", self.sql[:start]) + self.sql[start:stop]

    def end(self) -> None:
        """Fails if anything is left."""
        if self.at < len(self.tokens):
            raise self.error()
