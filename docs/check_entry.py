"""Checks one entry of the log against a signed checkpoint, with nothing of the market's own code.

    python docs/check_entry.py http://127.0.0.1:8000 42 'market.example/belomorye+74ce3fde+AQF0…'

Needs Python's standard library and `cryptography`. Short, so that you can read all of it before you believe it:
RFC 6962 (leaf and node hashes), RFC 9162 2.1.3.2 (the proof), C2SP signed-note and tlog-checkpoint (the signature).
"""

import json
import sys
import urllib.request
from base64 import b64decode, b64encode
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def root_of(entry: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root of a tree of `size` leaves in which `entry` is leaf `index`, if `proof` is right."""
    if not 0 <= index < size:
        raise ValueError("the leaf is outside the tree")
    node, left, last = sha256(b"\x00" + entry).digest(), index, size - 1
    for other in proof:
        if last == 0:
            raise ValueError("the proof is too long")
        if left % 2 or left == last:
            node = sha256(b"\x01" + other + node).digest()
            while left % 2 == 0 and left:
                left, last = left // 2, last // 2
        else:
            node = sha256(b"\x01" + node + other).digest()
        left, last = left // 2, last // 2
    if last:
        raise ValueError("the proof is too short")
    return node


def signed_tree(checkpoint: str, verifier_key: str) -> tuple[int, bytes]:
    """Size and root that a checkpoint signs. Raises where the signature is not that of `verifier_key`."""
    name, _, encoded = verifier_key.split("+", 2)
    key = b64decode(encoded)  # one byte for Ed25519, then the public key
    text, signatures = checkpoint.split("\n\n", 1)
    text += "\n"
    key_hash = sha256(name.encode() + b"\n" + key).digest()[:4]
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        found = b64decode(signature)
        if (dash, signer, found[:4]) == ("\u2014", name, key_hash):
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(found[4:], text.encode())
            origin, size, root = text.split("\n")[:3]
            if origin != name:
                raise ValueError(f"the checkpoint is of {origin}")
            return int(size), b64decode(root)
    raise ValueError(f"no signature of {name} with this key")


def main(market: str, index: int, verifier_key: str) -> None:
    def get(path: str) -> dict:
        with urllib.request.urlopen(market + "/api/v1/log" + path) as answer:
            return json.load(answer)

    found, answer = get(f"/leaves/{index}"), get(f"/leaves/{index}/proof")
    size, signed = signed_tree(answer["checkpoint"], verifier_key)
    computed = root_of(found["entry"].encode(), index, size, [b64decode(each) for each in answer["proof"]])
    if computed != signed:
        sys.exit(f"leaf {index} is NOT in the signed tree of {size}")
    print(f"leaf {index} ({found['type']}) is in the tree of {size}, root {b64encode(signed).decode()}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
