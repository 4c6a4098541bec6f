"""Security keys without hardware: an SSH agent whose keys live in software, one of each type.

  security_key.py public --type sk-ssh-ed25519|sk-ecdsa        prints the line of the public key
  security_key.py agent SOCKET [--flags N] [--cert FILE ..]    serves until it is ended

The private key is the hash of the type: every run has the same. A signature is a browser's (webauthn) if the data to be
signed name that algorithm. The flags are the authenticator's: 1 for a touch, 4 for a user who was verified. Formats are those
of OpenSSH's PROTOCOL.u2f, PROTOCOL.agent and PROTOCOL.certkeys.
"""

import argparse
import base64
import hashlib
import os
import socketserver
import struct
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TYPES = ("sk-ssh-ed25519", "sk-ecdsa")
ED25519 = b"sk-ssh-ed25519@openssh.com"
ECDSA = b"sk-ecdsa-sha2-nistp256@openssh.com"
WEBAUTHN = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
APPLICATION = b"ssh:"
# A verifier may want the origin of the key's application.
ORIGIN = APPLICATION
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
TOUCHED = 1

FAILURE, REQUEST_IDENTITIES, IDENTITIES_ANSWER, SIGN_REQUEST, SIGN_RESPONSE = 5, 11, 12, 13, 14
USERAUTH_REQUEST = 50


def sha256(data):
    return hashlib.sha256(data).digest()


def string(data):
    return struct.pack(">I", len(data)) + data


def mpint(number):
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, size):
        part, self.data = self.data[:size], self.data[size:]
        if len(part) != size:
            raise ValueError("truncated")
        return part

    def byte(self):
        return self.take(1)[0]

    def string(self):
        return self.take(struct.unpack(">I", self.take(4))[0])


class Key:
    def __init__(self, kind, flags):
        self.flags, self.counter = flags, 0
        secret = sha256(kind.encode())
        if kind == "sk-ssh-ed25519":
            self.name = ED25519
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
            point = string(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        else:
            self.name = ECDSA
            self.private = ec.derive_private_key(int.from_bytes(secret, "big") % (ORDER - 1) + 1, ec.SECP256R1())
            public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            point = string(b"nistp256") + string(public)
        self.public = string(self.name) + point + string(APPLICATION)

    def line(self):
        return f"{self.name.decode()} {base64.b64encode(self.public).decode()} interop"

    def sign(self, message, webauthn):
        self.counter += 1
        hashed = client_data(message) if webauthn else message
        tail = struct.pack(">BI", self.flags, self.counter)
        signed = sha256(APPLICATION) + tail + sha256(hashed)
        if self.name == ED25519:
            return string(ED25519) + string(self.private.sign(signed)) + tail
        r, s = utils.decode_dss_signature(self.private.sign(signed, ec.ECDSA(hashes.SHA256())))
        raw = string(mpint(r) + mpint(s))
        if webauthn:
            return string(WEBAUTHN) + raw + tail + string(ORIGIN) + string(hashed) + string(b"")
        return string(ECDSA) + raw + tail


def client_data(message):
    """What a browser signs the hash of."""
    challenge = base64.urlsafe_b64encode(message).rstrip(b"=")
    return b'{"type":"webauthn.get","challenge":"%s","origin":"%s","crossOrigin":false}' % (challenge, ORIGIN)


def named_algorithm(message):
    """The algorithm in the data that a user signs (RFC 4252 section 7)."""
    try:
        data = Reader(message)
        data.string()
        if data.byte() != USERAUTH_REQUEST:
            return b""
        for _ in ("user", "service", "method"):
            data.string()
        data.byte()
        return data.string()
    except ValueError:
        return b""


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(4)) == 4:
            request = Reader(self.rfile.read(struct.unpack(">I", head)[0]))
            self.wfile.write(string(self.answer(request)))

    def answer(self, request):
        kind, identities = request.byte(), self.server.identities
        if kind == REQUEST_IDENTITIES:
            shown = b"".join(string(public) + string(b"interop") for public in identities)
            return bytes([IDENTITIES_ANSWER]) + struct.pack(">I", len(identities)) + shown
        if kind == SIGN_REQUEST:
            key, message = identities.get(request.string()), request.string()
            if key:
                webauthn = named_algorithm(message).startswith(b"webauthn-")
                return bytes([SIGN_RESPONSE]) + string(key.sign(message, webauthn))
        return bytes([FAILURE])


class Agent(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def certified(path, keys):
    """A certificate and the key it is about: after its name and nonce come the fields of the key."""
    with open(path, encoding="ascii") as file:
        blob = base64.b64decode(file.read().split()[1])
    data = Reader(blob)
    name = data.string().replace(b"-cert-v01", b"")
    data.string()
    for key in keys:
        if data.data.startswith(key.public[len(string(name)):]):
            return blob, key
    raise ValueError(f"{path} certifies none of the keys")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["public", "agent"])
    parser.add_argument("socket", nargs="?")
    parser.add_argument("--type", choices=TYPES)
    parser.add_argument("--flags", type=int, default=TOUCHED)
    parser.add_argument("--cert", action="append", default=[])
    arguments = parser.parse_args()
    if arguments.what == "public":
        print(Key(arguments.type, arguments.flags).line())
        return
    keys = [Key(kind, arguments.flags) for kind in TYPES]
    if os.path.exists(arguments.socket):
        os.unlink(arguments.socket)
    with Agent(arguments.socket, Conversation) as agent:
        agent.identities = {key.public: key for key in keys}
        agent.identities.update(certified(path, keys) for path in arguments.cert)
        print("listening", flush=True)
        agent.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
