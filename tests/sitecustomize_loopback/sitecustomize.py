"""Points discord.py at a loopback server and refuses every connection that would leave this machine.

Python imports this file by itself when its folder is on PYTHONPATH; the product neither knows it nor has a switch for
it. It reads LOOPBACK_REST, LOOPBACK_GATEWAY and LOOPBACK_CDN (addresses) and LOOPBACK_REFUSED (a file that gains one
JSON line for each refused connection). A process that never imports discord pays only for the look-out.
"""

import errno
import importlib.abc
import importlib.machinery
import ipaddress
import json
import os
import socket
import sys
import traceback

_INTERNET = {int(socket.AF_INET), int(socket.AF_INET6)}
_REFUSED_FILE = os.environ.get("LOOPBACK_REFUSED", "")


def _address(host: object) -> object:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _is_numeric(host: object) -> bool:
    return _address(host) is not None


def _is_local(host: object) -> bool:
    if host is None or host in ("", b"", "localhost", b"localhost"):
        return True
    address = _address(host)
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback or address.is_unspecified)


def _refuse(event: str, target: object) -> None:
    if _REFUSED_FILE:
        caller = "".join(traceback.format_stack(limit=12)[:-2])
        line = json.dumps({"event": event, "target": repr(target), "pid": os.getpid(), "caller": caller})
        with open(_REFUSED_FILE, "a", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not imported this early
            file.write(line + "\n")
    if "addr" in event or "host" in event:
        raise socket.gaierror(socket.EAI_NONAME, f"loopback guard: looking up {target!r} is refused")
    raise ConnectionRefusedError(errno.ECONNREFUSED, f"loopback guard: {event} to {target!r} is refused")


def _look_out(event: str, args: tuple) -> None:
    """An audit hook sees the C level too, so neither a subclass of socket nor connect_ex gets round it."""
    if not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        sock, address = args
        # Connected sockets send without an address; Unix and netlink sockets never leave the machine.
        if int(sock.family) in _INTERNET and isinstance(address, tuple) and not _is_local(address[0]):
            _refuse(event, address)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        # A numeric address is no look-up: nothing leaves until something connects to it.
        if not _is_local(args[0]) and not _is_numeric(args[0]):
            _refuse(event, args[0])
    elif event == "socket.gethostbyaddr" and not _is_local(args[0]):
        _refuse(event, args[0])
    elif event == "socket.getnameinfo" and not _is_local(args[0][0]):
        _refuse("socket.getnameinfo (addr)", args[0])


def _patch_http(module: object) -> None:
    module.Route.BASE = os.environ["LOOPBACK_REST"]


def _patch_gateway(module: object) -> None:
    import yarl

    module.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["LOOPBACK_GATEWAY"])


def _patch_asset(module: object) -> None:
    module.Asset.BASE = os.environ["LOOPBACK_CDN"]


_PATCHES = {"discord.http": _patch_http, "discord.gateway": _patch_gateway, "discord.asset": _patch_asset}


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the ordinary import happen, then changes the one constant that each module holds."""

    def find_spec(self, name, path=None, target=None):
        patch = _PATCHES.get(name)
        if patch is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: object) -> None:
                execute(module)
                patch(module)

            spec.loader.exec_module = exec_module
        return spec


if "LOOPBACK_REST" in os.environ:
    sys.addaudithook(_look_out)
    sys.meta_path.insert(0, _Finder())
