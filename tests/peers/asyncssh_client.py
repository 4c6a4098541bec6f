"""An SSH client for the interoperability tests: one connection, one operation."""

import argparse
import asyncio
import hashlib
import logging
import sys

import asyncssh

CHUNK = 65536


def pattern(size):
    """The numbers 0 to 250 over and over, in chunks."""
    whole = bytes(range(251)) * (CHUNK // 251 + 2)
    offset = 0
    while offset < size:
        length = min(CHUNK, size - offset)
        start = offset % 251
        yield whole[start : start + length]
        offset += length


def split(names):
    return names.split(",") if names else ()


def print_digest(data, prefix=""):
    print(f"{prefix}{len(data)} {hashlib.sha256(data).hexdigest()}", flush=True)


async def send(process, size):
    for chunk in pattern(size):
        process.stdin.write(chunk)
        await process.stdin.drain()
    process.stdin.write_eof()


async def pass_on(process):
    data = sys.stdin.buffer.read()
    for start in range(0, len(data), CHUNK):
        process.stdin.write(data[start : start + CHUNK])
        await process.stdin.drain()
    process.stdin.write_eof()


async def keys(arguments):
    """The key of the file, or with an agent the agent's, with whatever algorithm is asked for."""
    if not arguments.agent:
        return [arguments.key]
    pairs = list(await (await asyncssh.connect_agent(arguments.agent)).get_keys())
    for pair in pairs:
        # It does not know that the agent's keys can sign like a browser's.
        pair.sig_algorithms = tuple(name.encode() for name in split(arguments.user_signatures))
    return pairs


async def run(connection, arguments):
    if arguments.operation == "sftp":
        data = b"".join(pattern(arguments.bytes))
        async with connection.start_sftp_client() as sftp:
            async with sftp.open(arguments.argument, "wb") as file:
                await file.write(data)
            async with sftp.open(arguments.argument, "rb") as file:
                back = await file.read()
        print_digest(back)
        return 0 if back == data else 90

    async with connection.create_process(arguments.argument, encoding=None) as process:
        if arguments.operation == "exec":
            result = await process.communicate()
        elif arguments.operation == "pipe":
            result, _ = await asyncio.gather(process.communicate(), pass_on(process))
        elif arguments.operation == "download":
            process.stdin.write_eof()
            stdout, stderr = await process.communicate()
            print_digest(stdout)
            result = (b"", stderr)
        elif arguments.operation == "upload":
            # communicate() reads while send() writes: nothing can block for good.
            result, _ = await asyncio.gather(process.communicate(), send(process, arguments.bytes))
            print_digest(b"".join(pattern(arguments.bytes)), "sent ")
        else:
            (stdout, stderr), _ = await asyncio.gather(process.communicate(), send(process, arguments.bytes))
            print_digest(stdout)
            if stdout != b"".join(pattern(arguments.bytes)):
                return 90
            result = (b"", stderr)
        await process.wait_closed()
        sys.stdout.buffer.write(result[0])
        sys.stdout.buffer.flush()
        sys.stderr.buffer.write(result[1])
        if process.exit_signal:
            print(f"signal {process.exit_signal[0]}", file=sys.stderr)
            return 91
        return 92 if process.exit_status is None else process.exit_status


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--known-hosts", required=True)
    for option in ("--kex", "--ciphers", "--macs", "--compression", "--signatures", "--user-signatures"):
        parser.add_argument(option)
    parser.add_argument("--agent")
    parser.add_argument("--rekey-bytes", type=int)
    parser.add_argument("operation", choices=["exec", "pipe", "download", "upload", "echo", "sftp"])
    parser.add_argument("argument")
    parser.add_argument("--bytes", type=int, default=0)
    arguments = parser.parse_args()

    if arguments.operation == "pipe":
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
        asyncssh.set_debug_level(1)
    options = {"rekey_bytes": arguments.rekey_bytes} if arguments.rekey_bytes else {}
    async with asyncssh.connect(
        arguments.host,
        arguments.port,
        username=arguments.user,
        client_keys=await keys(arguments),
        known_hosts=arguments.known_hosts,
        config=None,
        agent_path=None,
        kex_algs=split(arguments.kex),
        encryption_algs=split(arguments.ciphers),
        mac_algs=split(arguments.macs),
        compression_algs=split(arguments.compression),
        server_host_key_algs=split(arguments.signatures),
        signature_algs=split(arguments.user_signatures),
        connect_timeout=20,
        **options,
    ) as connection:
        names = ("send_cipher", "recv_cipher", "send_mac", "recv_mac", "send_compression", "recv_compression")
        chosen = " ".join(f"{name}={connection.get_extra_info(name)}" for name in names)
        if arguments.operation != "exec":
            print(f"negotiated {chosen}", file=sys.stderr)
        return await run(connection, arguments)


if __name__ == "__main__":
    try:
        status = asyncio.run(main())
    except (OSError, asyncssh.Error) as error:
        print(f"asyncssh client: {type(error).__name__}: {error}", file=sys.stderr)
        status = 255
    sys.exit(status)
