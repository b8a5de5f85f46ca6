"""What the person at the terminal sees: who says what, as it is said, and what Backtalk noticed, as it is noticed."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.text import Text

_LEFT: Final = 12


class Stage:
    """Writes the play, one line a happening."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def scene(self, title: str, what: str) -> None:
        """Begin a scene: what the person does, in the words of an app."""
        self.console.print()
        self.console.print(Text(title, style="bold"), Text(what, style="dim"), soft_wrap=True)

    def user(self, text: str) -> None:
        """The person speaks."""
        self._line("person", text, "cyan")

    def assistant_begins(self) -> None:
        """The model is about to speak."""
        self.console.print(Text(f"{'model':<{_LEFT}}", style="green"), end="")

    def piece(self, text: str) -> None:
        """The model says a piece."""
        shown = "".join(char if char.isprintable() else " " for char in text)
        self.console.print(Text(shown), end="", soft_wrap=True)

    def assistant_ends(self, trace_id: str, *, cut: bool = False) -> None:
        """The answer is over; its trace id came in the response's headers."""
        self.console.print(Text(" ... stopped" if cut else "", style="red"))
        self._line("", f"x-trace-id: {trace_id}", "dim")

    def noticed(self, signal: Mapping[str, Any], seconds: float) -> None:
        """A signal was found."""
        about = signal["about"]["trace_id"][:8]
        words = (
            f"{signal['kind']} about the answer {about}..., p={signal['probability']:.2f}, seen after {seconds:.1f} s"
        )
        self._line("noticed", words, "bold yellow")

    def missed(self, kind: str, seconds: float) -> None:
        """An expected signal did not come."""
        self._line("MISSED", f"{kind} was not noticed within {seconds:.0f} s", "bold red")

    def said(self, words: str) -> None:
        """Feedback was given, or a file written."""
        self._line("", words, "magenta")

    def done(self, words: str) -> None:
        """Something that was expected has happened."""
        self._line("noticed", words, "bold yellow")

    def _line(self, who: str, words: str, style: str) -> None:
        self.console.print(Text(f"{who:<{_LEFT}}{words}", style=style), soft_wrap=True)
