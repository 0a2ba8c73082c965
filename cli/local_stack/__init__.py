"""The local stack: the real template in an emulator on this machine. It is not shipped with the functions."""
