"""Names of the spec as Python identifiers.

Strategy: only ASCII names are taken, so that no two names look alike; a name that Python or the generated code has
already given away gets a suffix, always the same one.
"""

import keyword
import re

_MESSAGE = re.compile(r"[A-Za-z][A-Za-z0-9._:/-]*")
_ROUTE = re.compile(r"[a-z][a-z0-9_-]*")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")

LENGTH = 100
"""Characters that a name may have."""

RESERVED_MODULES = frozenset({"table", "components", "manifest", "__init__"})
"""What `generate` writes beside the modules of routes."""

_BUILTINS = """
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError
    BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError
    ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception ExceptionGroup
    FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError ImportWarning
    IndentationError IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
    ModuleNotFoundError NameError NotADirectoryError NotImplemented NotImplementedError OSError OverflowError
    PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError RecursionError ReferenceError
    ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError
    SystemExit TabError TimeoutError TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError
    UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError
"""
_GENERATED = """
    Admin Annotated Any Bridge Final GatewayLimits Limits Literal MessageType Meta Middleware None Optional Parameter
    Pool Principal RateLimit Raw Route Settings SlowConsumer Struct Table TableError Tls True False TypeAlias UNSET
    UnsetType Union
"""
RESERVED_CLASSES = frozenset(_BUILTINS.split()) | frozenset(_GENERATED.split())
"""Class names that generated code needs for something else. Written out, so that every Python gives the same names."""


def is_message(name: str) -> bool:
    """Whether a message may have this type."""
    return len(name) <= LENGTH and _MESSAGE.fullmatch(name) is not None


def is_route(name: str) -> bool:
    """Whether a route may have this name."""
    return len(name) <= LENGTH and _ROUTE.fullmatch(name) is not None


def is_worker(name: str) -> bool:
    """Whether a worker may have this name."""
    return is_capability(name) and not set(name) & set(":/")


def is_capability(name: str) -> bool:
    """Whether a capability or a plugin may have this name."""
    return len(name) <= LENGTH and _LABEL.fullmatch(name) is not None


def is_module(name: str) -> bool:
    """Whether this is a dotted path of Python identifiers."""
    return (
        len(name) <= 2 * LENGTH
        and _DOTTED.fullmatch(name) is not None
        and not any(map(keyword.iskeyword, name.split(".")))
    )


def module(route: str) -> str:
    """The generated module of a route: ``"live-view"`` -> ``"live_view"``."""
    return route.replace("-", "_")


def is_free_module(name: str) -> bool:
    """Whether a route's module may have this name."""
    return name not in RESERVED_MODULES and not keyword.iskeyword(name)


def pascal(name: str) -> str:
    """Words in a row, each with a capital: ``"chat.new_message"`` -> ``"ChatNewMessage"``; ``""`` without a letter."""
    text = "".join(word[0].upper() + word[1:] for word in _WORDS.findall(name))
    return text.lstrip("0123456789")


def model(name: str, suffix: str) -> str:
    """The class of a message or a component; ``suffix`` keeps it apart from a reserved name."""
    text = pascal(name)
    return f"{text}{suffix}" if text in RESERVED_CLASSES else text


def default_route(segments: list[str]) -> str:
    """A route's name from the literal segments of its path: ``["ws", "rooms"]`` -> ``"rooms"``; ``""`` where they give
    none."""
    words = segments[1:] if len(segments) > 1 and segments[0] == "ws" else segments
    text = re.sub(r"[^a-z0-9]+", "_", "_".join(words).lower()).strip("_")
    return text if is_route(text) else ""
