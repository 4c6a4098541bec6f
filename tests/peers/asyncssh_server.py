"""An SSH server for the interoperability tests: one user, commands through a shell, SFTP, direct-tcpip."""

import argparse
import asyncio
import logging
import sys

import asyncssh
from asyncssh.encryption import BasicEncryption, register_encryption_alg

CHUNK = 65536


def split(names):
    return names.split(",") if names else ()


class Server(asyncssh.SSHServer):
    """Lets one user in."""

    def __init__(self, user, password):
        self.user = user
        self.password = password

    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return self.password is not None

    def validate_password(self, username, password):
        return username == self.user and password == self.password

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        return True


async def feed(process, child):
    """From the channel to the command; its end is passed on."""
    try:
        while data := await process.stdin.read(CHUNK):
            child.stdin.write(data)
            await child.stdin.drain()
        child.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        pass


async def drain(stream, channel_stream):
    """From one of the command's streams to the channel."""
    while data := await stream.read(CHUNK):
        channel_stream.write(data)
        await channel_stream.drain()


async def handle(process):
    """One exec, shell or unknown-subsystem request."""
    command = process.command if process.command is not None else "exec /bin/sh"
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec("/bin/sh", "-c", command, stdin=pipe, stdout=pipe, stderr=pipe)
    feeder = asyncio.create_task(feed(process, child))
    try:
        await asyncio.gather(drain(child.stdout, process.stdout), drain(child.stderr, process.stderr))
        status = await child.wait()
        if status < 0:
            process.exit_with_signal({-2: "INT", -9: "KILL", -15: "TERM"}.get(status, "ABRT"))
        else:
            process.exit(status)
    finally:
        feeder.cancel()
        if child.returncode is None:
            child.kill()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--host-key", required=True)
    parser.add_argument("--authorized-keys", required=True)
    parser.add_argument("--password")
    for option in ("--kex", "--ciphers", "--macs", "--compression", "--signatures"):
        parser.add_argument(option)
    parser.add_argument("--rekey-bytes", type=int)
    arguments = parser.parse_args()

    # An old name of a cipher that it has.
    register_encryption_alg(b"rijndael-cbc@lysator.liu.se", BasicEncryption, "aes256-cbc", False)
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    asyncssh.set_debug_level(1)
    options = {"rekey_bytes": arguments.rekey_bytes} if arguments.rekey_bytes else {}
    server = await asyncssh.listen(
        arguments.host,
        arguments.port,
        server_factory=lambda: Server(arguments.user, arguments.password),
        server_host_keys=[arguments.host_key],
        authorized_client_keys=arguments.authorized_keys,
        process_factory=handle,
        encoding=None,
        sftp_factory=True,
        line_editor=False,
        config=None,
        kex_algs=split(arguments.kex),
        encryption_algs=split(arguments.ciphers),
        mac_algs=split(arguments.macs),
        compression_algs=split(arguments.compression),
        signature_algs=split(arguments.signatures),
        **options,
    )
    print(f"listening {arguments.port}", file=sys.stderr, flush=True)
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
