"""A worker's place on the line to the courier (src/link): what HTTP never asks, asked as a worker would. The switchboard is one of a worker's
descriptors, borrowed from it, so that the courier that answers is the daemon's own."""
import ctypes
import json
import os
import pathlib
import socket
import struct
import time

PIDFD_OPEN, PIDFD_GETFD = 434, 438      # numbers every Linux has
RIBBON_LINE, RIBBON_DIAL, RIBBON_SIGN, EXOTEL_SYNC = 10, 11, 12, 13     # enum frame_kind
CODES = ("ok", "invalid", "database", "busy", "failed")


def borrow(pid, fd):
    libc = ctypes.CDLL(None, use_errno=True)
    of = libc.syscall(PIDFD_OPEN, pid, 0)
    got = libc.syscall(PIDFD_GETFD, of, fd, 0) if of >= 0 else -1
    err = ctypes.get_errno()
    if of >= 0:
        os.close(of)
    if got < 0:
        raise OSError(err, os.strerror(err))
    return got


known = {}      # which descriptor of a worker it was


def switchboards(pid):
    """Datagram pairs of a process."""
    folder = pathlib.Path(f"/proc/{pid}/fd")
    for fd in [known[pid]] if pid in known else sorted(int(p.name) for p in folder.iterdir()):
        try:
            if not os.readlink(folder / str(fd)).startswith("socket:"):
                continue
            s = socket.socket(fileno=borrow(pid, fd))
        except OSError:
            continue
        if s.family == socket.AF_UNIX and s.type & socket.SOCK_DGRAM == socket.SOCK_DGRAM and not s.getsockname():
            yield fd, s
        else:
            s.close()


class Line:
    def __init__(self, worker):
        self.buffer, self.next_id = b"", 1
        for fd, board in switchboards(worker):
            ours, theirs = socket.socketpair()
            ours.settimeout(3)
            try:
                socket.send_fds(board, [b"\0"], [theirs.fileno()])
                theirs.close()
                if self.read(ours)[1] == 0:     # the courier's hello
                    self.socket, known[worker] = ours, fd
                    break
            except OSError:
                ours.close()
            finally:
                board.close()
        else:
            raise AssertionError("no courier answers on any switchboard")

    def read(self, s):
        while len(self.buffer) < 4 or len(self.buffer) < 4 + struct.unpack(">I", self.buffer[:4])[0]:
            got = s.recv(65536)
            if not got:
                raise ConnectionResetError("the courier has hung up")
            self.buffer += got
        n = 4 + struct.unpack(">I", self.buffer[:4])[0]
        frame, self.buffer = self.buffer[:n], self.buffer[n:]
        ident, kind, code, fields = struct.unpack(">IBBB", frame[4:11])
        at, out = 16, []
        for _ in range(fields):
            size = struct.unpack(">I", frame[at:at + 4])[0]
            out.append(frame[at + 4:at + 4 + size])
            at += 4 + size
        return ident, kind, code, out

    def send(self, kind, *fields, timeout_ms=10000):
        ident, self.next_id = self.next_id, self.next_id + 1
        body = b"".join(struct.pack(">I", len(f)) + f for f in (x if isinstance(x, bytes) else str(x).encode() for x in fields))
        rest = struct.pack(">IBBBBI", ident, kind, 0, len(fields), 0, timeout_ms) + body
        self.socket.sendall(struct.pack(">I", len(rest)) + rest)
        return ident

    def answer(self, ident, seconds=40):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.socket.settimeout(max(0.1, end - time.monotonic()))
            got, _, code, fields = self.read(self.socket)
            if got == ident:
                return CODES[code], json.loads(fields[0]) if code == 0 else fields[0].decode()
        raise AssertionError("no answer")

    def ask(self, kind, *fields, timeout_ms=10000):
        code, answer = self.answer(self.send(kind, *fields, timeout_ms=timeout_ms))
        assert code == "ok", (code, answer)
        return answer

    def close(self):
        self.socket.close()
