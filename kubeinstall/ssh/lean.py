"""paramiko, without the half of its import that it does not need here.

For one word in ~/.ssh/config (``Match exec``), which is not read here, it imports invoke, and with
that asyncio, unittest and YAML: no host can be dialled before.
"""

from __future__ import annotations

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules
_without = "invoke" not in _modules
if _without:
    # What is None there cannot be imported, which paramiko expects.
    _modules["invoke"] = None
try:
    import paramiko as paramiko
    from paramiko.buffered_pipe import BufferedPipe as BufferedPipe
    from paramiko.message import Message as Message
    from paramiko.packet import Packetizer as Packetizer
    from paramiko.pkey import UnknownKeyType as UnknownKeyType
finally:
    if _without:
        del _modules["invoke"]
