"""Which layers of a network transfer, and what fully connected layers are for.

Seven rooms and a command, importing in one direction: ``data`` and ``models`` at the bottom, then ``training``,
``experiments``, ``analysis``, ``plots``, ``course`` and ``cli``. Importing this package loads none of them. The files
beside the rooms (``errors``, ``fields``, ``files``, ``optional``, ``seeds``, ``cka``) lie below them all.
"""

__version__ = "0.1.0"
