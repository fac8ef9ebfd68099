"""The worker's log: one JSON object a line, or plain text on a terminal."""

import datetime
import logging
import sys
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(enc_hook=repr).encode
_standard = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``event``, the record's extras, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _standard}
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return _encode(line).decode()
        except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
            return _encode({key: repr(value).encode(errors="replace").decode() for key, value in line.items()}).decode()


class Lines(logging.Formatter):
    """For people: the level, what happened, and the record's extras."""

    def format(self, record: logging.LogRecord) -> str:
        extras = [f"{key}={value}" for key, value in vars(record).items() if key not in _standard]
        text = " ".join([f"{record.levelname.lower()}: {record.getMessage()}", *extras])
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + self.formatException(record.exc_info)
        return text


def configure(level: str = "INFO") -> None:
    """Send all logs of this process to its standard error."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(Lines() if sys.stderr.isatty() else JsonLines())
    root = logging.getLogger()
    root.addHandler(stream)
    root.setLevel(level)
