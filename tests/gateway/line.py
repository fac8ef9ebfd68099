"""A blocking TCP connection to a gateway, for whatever bytes there are."""

import socket

from tests.gateway.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, handshake
from tests.served import PATIENCE, Served


def masked(opcode: int, data: bytes) -> bytes:
    """A client's frame whose mask, of zeros, costs nothing to apply."""
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 0x10000:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + data


class Line:
    """A TCP connection that says what it likes."""

    def __init__(self, served: Served, path: str | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", served.port), PATIENCE)
        self.received = b""
        if path is not None:
            self.socket.sendall(handshake(path))
            while b"\r\n\r\n" not in self.received:
                self.more()
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 "), head

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send, unless the gateway has had enough already."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def more(self) -> bool:
        """Read on; false at the end."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.received += data
        return bool(data)

    def frame(self) -> Frame | None:
        """The next frame; ``None`` at the end."""
        while (size := frame_size(self.received)) is None or len(self.received) < size:
            if not self.more():
                assert size is None or not self.received or len(self.received) < size
                return None
        whole, self.received = self.received[:size], self.received[size:]
        head = {126: 4, 127: 10}.get(whole[1], 2)
        assert not whole[0] & 0x70, "a reserved bit is set"
        assert whole[0] & 0x0F in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
        return Frame(whole[0] & 0x0F, whole[head:], bool(whole[0] & 0x80))

    def until_end(self) -> list[Frame]:
        """Say that nothing more will come; every frame up to the end."""
        self.hang_up()
        frames: list[Frame] = []
        while (received := self.frame()) is not None:
            frames.append(received)
        return frames

    def hang_up(self) -> None:
        """Send no more."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return


def frame_size(data: bytes) -> int | None:
    """Of the frame that begins here: its bytes in all, as far as they are known."""
    if len(data) < 2:
        return None
    width = {126: 2, 127: 8}.get(data[1], 0)
    if len(data) < 2 + width:
        return None
    return 2 + width + (int.from_bytes(data[2 : 2 + width], "big") if width else data[1])
