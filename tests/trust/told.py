"""What every error of the study must be: one line that says what is wrong, where, and what to do."""

from __future__ import annotations

#: Letters of the longest message.
LONGEST = 600
_REMEDIES = ("; ", "known: ", "?", "must ", "By hand: ")


def assert_told(message: str, *words: str) -> None:
    """Check that a message is one short line with a remedy, and holds every one of the words."""
    assert "\n" not in message and "\r" not in message, message
    assert len(message) < LONGEST, f"{len(message)} letters: {message}"
    assert any(remedy in message for remedy in _REMEDIES), f"no remedy in: {message}"
    assert "Traceback" not in message
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
