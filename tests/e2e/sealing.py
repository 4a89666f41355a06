"""Sealed records as src/crypt/envelope.h describes them, made by another implementation: what it says is what is tested."""
import hashlib
import hmac
import os
import struct
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def part(data):
    return struct.pack(">I", len(data)) + data


def parts(master, table, column, app, row, head):
    app, row = uuid.UUID(str(app)).bytes, uuid.UUID(str(row)).bytes
    key = hmac.new(master, b"ringd envelope 1\0" + app, hashlib.sha256).digest()
    return key, b"".join(map(part, (table.encode(), column.encode(), app, row, head)))


def seal(ring, key_id, table, column, app, row, text):
    head, nonce = b"\x01" + struct.pack(">I", key_id), os.urandom(12)
    key, aad = parts(ring[key_id], table, column, app, row, head)
    return head + nonce + AESGCM(key).encrypt(nonce, text.encode(), aad)


def unseal(ring, table, column, app, row, record):
    """The text; None when the record does not open in this place."""
    record = bytes(record)
    key, aad = parts(ring[key_of(record)], table, column, app, row, record[:5])
    try:
        return AESGCM(key).decrypt(record[5:17], record[17:], aad).decode()
    except InvalidTag:
        return None


def key_of(record):
    assert record[0] == 1
    return struct.unpack(">I", bytes(record[1:5]))[0]


def read_ring(path):
    """The keys of a key file by their ids."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {int(line.split(":")[0]): bytes.fromhex(line.split(":")[1]) for line in lines}


def write_ring(path, ring, mode=0o400):
    if path.exists():
        path.unlink()
    path.write_text("".join(f"{k}:{v.hex()}:2026-11-26T21:14:43Z\n" for k, v in ring.items()))
    path.chmod(mode)
    return path
