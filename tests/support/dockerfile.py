"""A Dockerfile as instructions, as far as its policies need it."""

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined: `word` in capitals, and the rest."""

    word: str
    rest: str

    def words(self) -> list[str]:
        """The parts behind the word."""
        return shlex.split(self.rest)


def read(path: Path) -> list[Instruction]:
    """The instructions in order, without comments."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    split = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [Instruction(word.upper(), rest.strip()) for word, rest in split]


def of(instructions: list[Instruction], word: str) -> list[Instruction]:
    """Those with one word."""
    return [instruction for instruction in instructions if instruction.word == word]


def floating(instructions: list[Instruction]) -> list[str]:
    """Bases that are neither an earlier stage nor given by a digest that the build must be told."""
    required = {i.rest for i in of(instructions, "ARG") if "=" not in i.rest}
    stages: set[str] = set()
    found = []
    for base, *more in (i.words() for i in of(instructions, "FROM")):
        _, at, digest = base.partition("@")
        is_asked_for = digest.startswith("${") and digest[2:-1] in required
        is_pinned = bool(at) and (digest.startswith("sha256:") or is_asked_for)
        if base not in stages and not is_pinned:
            found.append(base)
        stages |= set(more[1:])
    return found


def copied(instructions: list[Instruction]) -> list[str]:
    """What is copied out of the repository."""
    words = (i.words() for i in of(instructions, "COPY"))
    return [source for line in words if not line[0].startswith("--from") for source in line[:-1]]
