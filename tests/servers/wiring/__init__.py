"""The daemon as a process of its own, over real files, sockets and signals."""
